"""Events of other services: each takes effect once, in its aggregate's order, whatever Kafka repeats."""
