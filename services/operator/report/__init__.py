"""What came of a case, for people and for programs."""
