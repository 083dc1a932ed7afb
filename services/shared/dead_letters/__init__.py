"""What operators do with records that could not be handled: decided, on record, carried out."""
