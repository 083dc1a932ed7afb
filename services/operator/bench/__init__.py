"""`tierlink bench`: each figure beside its baseline, measured in turns in the same run."""
