"""Locks between processes: flock on a file that also names its holder.

The system drops the lock when the last process that holds the open file is gone, however it went. A server
inherits the open file, so a lock that can be taken proves that nothing of an earlier instance is left, not
even a database backend that outlived its postmaster.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from services.embedded.errors import EmbeddedError, FolderInUseError

#: How long what is left of a killed instance may take to go.
ORPHANS_TIMEOUT_S: Final = 15.0
#: A holder that looks alive may be a zombie, or its number may be another process's by now.
HOLDER_TIMEOUT_S: Final = 1.0
_POLL_S: Final = 0.02


@contextmanager
def exclusive(path: Path, *, timeout_s: float) -> Iterator[None]:
    """Hold the lock file `path` for the block, waiting for other processes at most `timeout_s` seconds.

    Raises EmbeddedError when the time is up.
    """
    file = _open(path)
    deadline_s = time.monotonic() + timeout_s
    try:
        while not _try_lock(file):
            if time.monotonic() > deadline_s:
                raise EmbeddedError(
                    f"Waited {timeout_s:.0f} s for process {_holder(file)}, which holds {path}. "
                    "End that process if it hangs, then try again."
                )
            time.sleep(_POLL_S)
        _name_holder(file)
        yield
    finally:
        os.close(file)


def lock_folder(folder: Path, *, server: str, is_own: bool) -> int:
    """Lock a server's folder and return the open file that holds the lock, for the server to inherit.

    With `is_own`, the folder's last instance was the caller's, so what holds it can only be on its way out.
    The same is so when the process that started it is gone: both are waited for, at most ORPHANS_TIMEOUT_S.
    Raises FolderInUseError when a live instance has the folder.
    """
    file = _open(folder / "lock")
    begun_s = time.monotonic()
    try:
        while not _try_lock(file):
            holder = _holder(file)
            leaving = is_own or (holder is not None and not _is_alive(holder))
            if time.monotonic() - begun_s > (ORPHANS_TIMEOUT_S if leaving else HOLDER_TIMEOUT_S):
                raise FolderInUseError(server=server, folder=str(folder), owner_pid=holder)
            time.sleep(_POLL_S)
        _name_holder(file)
    except BaseException:
        os.close(file)
        raise
    return file


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise EmbeddedError(
            f"{path} cannot be written ({error.strerror}). Choose a folder that you may write to, "
            "or run as the user that owns it."
        ) from error


def _try_lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _name_holder(file: int) -> None:
    os.ftruncate(file, 0)
    os.pwrite(file, f"{os.getpid()}\n".encode(), 0)


def _holder(file: int) -> int | None:
    with suppress(ValueError):
        return int(os.pread(file, 32, 0))
    return None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
