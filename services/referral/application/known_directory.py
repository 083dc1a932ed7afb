"""The directory as this process knows it: read on every decision, so it is kept at hand."""

from typing import Protocol

from services.referral.domain.directory_state import Directory


class KnownDirectory(Protocol):
    """Gives the directory in force, at most a few seconds old."""

    def current(self) -> Directory: ...

    def replace(self, directory: Directory) -> None:
        """Takes a newer one, when this process has applied it."""
        ...
