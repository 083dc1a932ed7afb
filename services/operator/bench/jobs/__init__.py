"""What the worker processes of the bench do: load, baselines, and what is timed in a process of its own."""
