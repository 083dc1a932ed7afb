"""Copies of what other services tell, kept as documents and held in memory."""
