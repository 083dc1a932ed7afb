"""Watch streams over a Kafka topic that lose and repeat nothing, with tokens to resume by."""
