"""Tierlink as processes on this machine: Kafka, PostgreSQL and the services, started and kept running."""
