"""Read models made anew beside those that serve: from the event store or Kafka, compared, then swapped."""
