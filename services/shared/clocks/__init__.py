"""What time it is for a process: its database's time of day, carried on by a clock that does not jump."""
