"""Use cases of the bed service: one a file. They order steps; the domain decides."""
