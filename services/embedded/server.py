"""The life of an embedded server: lock the folder, prepare it, start on a free port, stop, be killed."""

from __future__ import annotations

import os
import threading
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, Final

from services.embedded import locks, ports
from services.embedded.errors import EmbeddedError, PortTakenError
from services.embedded.supervise import Child, ChildSpec, log_tail, spawn

START_TIMEOUT_S: Final = 90.0
STOP_TIMEOUT_S: Final = 15.0
_PORT_TRIES: Final = 5
_READY_POLL_S: Final = 0.01


class EmbeddedServer(ABC):
    """One server with its data in one folder. The methods block; use one object from one thread at a time.

    After `stop()` or `kill()`, `start()` starts it again on the same port and data.
    """

    NAME: ClassVar[str]

    def __init__(self, folder: Path, *, port: int | None, is_temporary: bool) -> None:
        #: Holds the data, the log, the lock and the server's settings.
        self.folder = folder.absolute()
        #: Whether the folder is to be removed when Tierlink is killed and cannot do it.
        self.is_temporary = is_temporary
        self._fixed_port = port
        self._port: int | None = None
        self._child: Child | None = None
        self._abandoned = threading.Event()

    @abstractmethod
    def _prepare(self, lock_file: int, deadline_s: float) -> None:
        """Make what the server needs before its first start, and nothing when it is there."""

    @abstractmethod
    def _spec(self, port: int, lock_file: int) -> ChildSpec:
        """Return how the server is started on `port`."""

    @abstractmethod
    def _is_ready(self, child: Child, port: int) -> bool:
        """Say whether the server answers; called again and again, so it must not block for long."""

    @property
    def port(self) -> int:
        """The port on 127.0.0.1. Raises EmbeddedError before the first start."""
        if self._port is None:
            raise EmbeddedError(f"{self.NAME} has no port before its first start")
        return self._port

    @property
    def pid(self) -> int:
        """The server's process number. Raises EmbeddedError when it is not running."""
        if self._child is None or not self._child.is_running:
            raise EmbeddedError(f"{self.NAME} is not running")
        return self._child.pid

    @property
    def is_running(self) -> bool:
        """Whether the server's process is there."""
        return self._child is not None and self._child.is_running

    @property
    def log_path(self) -> Path:
        """The server's log."""
        return self.folder / f"{self.NAME.lower()}.log"

    def start(self, timeout_s: float = START_TIMEOUT_S) -> None:
        """Start the server and return when it answers, after at most `timeout_s` seconds.

        Raises FolderInUseError, PortTakenError, or EmbeddedError with the end of the server's log.
        """
        if self.is_running:
            raise EmbeddedError(f"{self.NAME} is already running")
        if self._child is not None:
            self._child.kill()  # it has ended by itself; this closes what is open to it
        deadline_s = time.monotonic() + timeout_s
        self._make_folder()
        lock_file = locks.lock_folder(self.folder, server=self.NAME, is_own=self._child is not None)
        try:
            self._rotate_log()
            self._prepare(lock_file, deadline_s)
            self._start_on_a_port(lock_file, deadline_s)
        finally:
            # From here on the server's own copy holds the lock, to its end.
            os.close(lock_file)

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """Stop the server cleanly; after `timeout_s` seconds it is killed. A server that is down stays so."""
        if self._child is not None:
            self._child.stop(timeout_s)

    def kill(self) -> None:
        """End the server as kill -9 does. What it leaves to go by itself, the next `start()` waits for."""
        if self._child is not None:
            self._child.kill()

    def abandon(self) -> None:
        """Make a `start()` that runs in another thread fail soon. Not undone: the object starts no more."""
        self._abandoned.set()

    def _make_folder(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EmbeddedError(
                f"The folder {self.folder} for {self.NAME} cannot be made ({error.strerror}). "
                "Choose a folder that you may write to."
            ) from error

    def _rotate_log(self) -> None:
        # One earlier log is kept: it tells why the last run ended.
        if self.log_path.exists():
            self.log_path.replace(self.log_path.with_suffix(".log.1"))

    def _start_on_a_port(self, lock_file: int, deadline_s: float) -> None:
        given = self._fixed_port or self._port
        for _ in range(_PORT_TRIES):
            if given is not None and not ports.is_free(given):
                raise PortTakenError(server=self.NAME, port=given)
            port = given or ports.free_port()
            try:
                self._launch(port, lock_file, deadline_s)
            except PortTakenError:
                # Somebody took it, or the server's second port, between the choice and the bind.
                continue
            self._port = port
            return
        raise EmbeddedError(f"{self.NAME} lost its port to others {_PORT_TRIES} times. Give it another port.")

    def _launch(self, port: int, lock_file: int, deadline_s: float) -> None:
        log_start = self.log_path.stat().st_size if self.log_path.exists() else 0
        child = spawn(self._spec(port, lock_file))
        self._child = child
        try:
            self._wait_until_ready(child, port, deadline_s, log_start)
        except BaseException:
            child.kill()
            raise

    def _wait_until_ready(self, child: Child, port: int, deadline_s: float, log_start: int) -> None:
        while not self._is_ready(child, port):
            if child.exit_status is not None:
                if "Address already in use" in self._log_since(log_start):
                    raise PortTakenError(server=self.NAME, port=port)
                raise EmbeddedError(
                    f"{self.NAME} ended with status {child.exit_status} while it started.\n"
                    f"{log_tail(self.log_path)}"
                )
            if self._abandoned.is_set():
                raise EmbeddedError(f"The start of {self.NAME} was abandoned")
            if time.monotonic() > deadline_s:
                raise EmbeddedError(
                    f"{self.NAME} was not ready in time. On a slow or busy machine, try again.\n"
                    f"{log_tail(self.log_path)}"
                )
            time.sleep(_READY_POLL_S)

    def _log_since(self, offset: int) -> str:
        with self.log_path.open("rb") as log:
            log.seek(offset)
            return log.read().decode(errors="replace")
