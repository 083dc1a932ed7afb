"""Is the audit trail whole? Asked of every service, and worked out again here from the bytes themselves."""
