"""Use cases of the notification service: one a file. They order steps; the domain decides."""
