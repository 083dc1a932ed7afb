"""Looks at the whole platform and says of each thing whether it is as it must be, and what to do."""
