"""The board: what the staff of a centre see on the wall and on the telephone. A client of the services."""
