"""What can go wrong with an embedded server, each with a text that says what to do."""

from __future__ import annotations


class EmbeddedError(Exception):
    """An embedded server could not be prepared, started or stopped; the text is meant for a person."""


class PortTakenError(EmbeddedError):
    """Another process listens on the port that was asked for."""

    def __init__(self, *, server: str, port: int) -> None:
        super().__init__(
            f"{server} cannot listen on 127.0.0.1:{port}: another process has that port. "
            "Stop that process, or choose another port (without one, a free port is chosen)."
        )
        self.server = server
        self.port = port


class FolderInUseError(EmbeddedError):
    """A live instance uses the data folder."""

    def __init__(self, *, server: str, folder: str, owner_pid: int | None) -> None:
        owner = f"process {owner_pid}" if owner_pid is not None else "another process"
        super().__init__(
            f"The {server} data in {folder} is in use by {owner}. "
            "Stop that instance first, or choose another data folder."
        )
        self.owner_pid = owner_pid


class NotCachedError(EmbeddedError):
    """A file that the first start downloads is neither in the cache nor to be had."""


class ChecksumError(EmbeddedError):
    """A downloaded file is not the one that this version was built for."""
