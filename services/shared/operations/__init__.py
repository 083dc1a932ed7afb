"""What a service says of itself to whoever keeps it running: over gRPC to operators, and as metrics."""
