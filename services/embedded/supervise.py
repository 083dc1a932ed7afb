"""Child processes that end with this process, however it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from services.embedded import guardian
from services.embedded.errors import EmbeddedError

_KILL_TIMEOUT_S: Final = 10.0
_TAIL_BYTES: Final = 16_384


@dataclass(frozen=True, kw_only=True)
class SystemUser:
    """The account that a server runs under."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, kw_only=True)
class ChildSpec:
    """How a guarded process is started and ended."""

    #: For messages, such as `Kafka`.
    name: str
    command: tuple[str, ...]
    cwd: Path
    #: Standard output and standard error are appended to it.
    log_path: Path
    #: The whole environment: nothing is inherited, so that a developer's variables change no server.
    environment: Mapping[str, str]
    #: Asks the process to stop cleanly.
    stop_signal: signal.Signals = signal.SIGTERM
    #: Sent when Tierlink has died; SIGKILL follows after `loss_grace_s` seconds.
    loss_signal: signal.Signals = signal.SIGKILL
    loss_grace_s: float = 0.0
    #: None for the current user.
    user: SystemUser | None = None
    #: Open files that the process inherits, such as its folder's lock.
    inherited_files: tuple[int, ...] = ()
    #: A temporary folder that nobody else would remove when Tierlink has died.
    remove_after_loss: Path | None = None


@dataclass(kw_only=True)
class Child:
    """A running guarded process; made by `spawn`."""

    spec: ChildSpec
    #: The process itself, not its guardian.
    pid: int
    _guardian: subprocess.Popen[bytes] = field(repr=False)

    @property
    def is_running(self) -> bool:
        """Whether the process and its guardian are there."""
        return self._guardian.poll() is None

    @property
    def exit_status(self) -> int | None:
        """The exit status, 128 + signal number when a signal ended it; None while it runs."""
        return self._guardian.poll()

    def wait(self, timeout_s: float) -> int | None:
        """Wait for the end at most `timeout_s` seconds; returns the exit status, None when it still runs."""
        try:
            return self._guardian.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def stop(self, timeout_s: float) -> None:
        """Ask the process to stop cleanly, and kill it if it has not after `timeout_s` seconds."""
        self._order(guardian.STOP)
        if self.wait(timeout_s) is None:
            self.kill()
        self._close()

    def kill(self) -> None:
        """End the process group with SIGKILL and wait for its end."""
        self._order(guardian.KILL)
        if self.wait(_KILL_TIMEOUT_S) is None:
            raise EmbeddedError(f"{self.spec.name} (process {self.pid}) did not end after SIGKILL")
        self._close()

    def _order(self, order: bytes) -> None:
        assert self._guardian.stdin is not None
        # A guardian that has ended reads no more, and one that was closed has ended.
        with suppress(BrokenPipeError, ValueError):
            self._guardian.stdin.write(order)

    def _close(self) -> None:
        assert self._guardian.stdin is not None
        self._guardian.stdin.close()


def spawn(spec: ChildSpec) -> Child:
    """Start a guarded process. Raises EmbeddedError when it cannot be started."""
    settings = {
        **asdict(spec),
        "cwd": str(spec.cwd),
        "log_path": str(spec.log_path),
        "environment": dict(spec.environment),
        "remove_after_loss": None if spec.remove_after_loss is None else str(spec.remove_after_loss),
        "parent_pid": os.getpid(),
    }
    # -I and -S: the guardian needs the standard library only, and none of this process's variables.
    command = [sys.executable, "-I", "-S", guardian.__file__, json.dumps(settings)]
    with spec.log_path.open("ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            bufsize=0,
            pass_fds=spec.inherited_files,
            # Ctrl-C in the terminal reaches this process alone, which then stops its children in order.
            start_new_session=True,
        )
    assert process.stdout is not None
    assert process.stdin is not None
    with process.stdout:
        line = process.stdout.readline()
    if not line.strip():
        process.wait(_KILL_TIMEOUT_S)
        process.stdin.close()
        raise EmbeddedError(f"{spec.name} cannot be started.\n{log_tail(spec.log_path)}")
    return Child(spec=spec, pid=int(line), _guardian=process)


def run_to_end(spec: ChildSpec, *, timeout_s: float, abandoned: threading.Event) -> None:
    """Run a guarded process to its end, at most `timeout_s` seconds.

    Raises EmbeddedError when it fails, takes too long or `abandoned` is set meanwhile.
    """
    child = spawn(spec)
    deadline_s = time.monotonic() + timeout_s
    while child.wait(0.05) is None:
        if abandoned.is_set() or time.monotonic() > deadline_s:
            child.kill()
            reason = "was abandoned" if abandoned.is_set() else f"took longer than {timeout_s:.0f} s"
            raise EmbeddedError(f"{spec.name} {reason}.\n{log_tail(spec.log_path)}")
    status = child.exit_status
    child.kill()
    if status != 0:
        raise EmbeddedError(f"{spec.name} failed with status {status}.\n{log_tail(spec.log_path)}")


def log_tail(path: Path, *, lines: int = 20) -> str:
    """Return the end of a server's log with its path, for an error's text."""
    try:
        with path.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(0, size - _TAIL_BYTES))
            text = log.read().decode(errors="replace")
    except OSError as error:
        return f"(its log {path} cannot be read: {error.strerror})"
    tail = "\n".join(f"  {line}" for line in text.splitlines()[-lines:])
    return f"The end of its log {path}:\n{tail or '  (empty)'}"
