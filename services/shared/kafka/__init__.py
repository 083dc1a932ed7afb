"""Kafka: addresses, topics, partitions, a producer, and records as CloudEvents in binary mode."""
