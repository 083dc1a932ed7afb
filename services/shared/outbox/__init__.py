"""From the outbox table to Kafka: in order, at least once, without the commands waiting for it."""
