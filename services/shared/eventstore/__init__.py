"""The event store: aggregates as folds of hash-chained events, appended in batches, one statement a batch."""
