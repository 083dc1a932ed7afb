"""What differs between two streams of events, or between a store and its topic."""
