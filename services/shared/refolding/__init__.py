"""Folds a service's events anew into an empty database, and compares what comes of it with the live one.

Nothing here knows an outbox, a deadline worker or a channel: what it writes can reach nobody. An import
contract keeps it so.
"""
