"""A page on which time is dragged: each moment as the events tell it, in one file that needs nothing else."""
