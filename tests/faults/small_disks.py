"""A disk of one's own that can be filled to the last byte: a file system in memory, mounted on a folder."""

import errno
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

#: Room for what a run writes; most of it is never touched.
_BYTES = 512 * 1024 * 1024
_PIECE_BYTES = 64 * 1024


class SmallDisk:
    """Mounted on a folder, for as long as the run lasts."""

    def __init__(self, folder: Path) -> None:
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """No byte is left, whatever is freed meanwhile."""
        with self._ballast.open("ab") as file:
            state = os.statvfs(file.fileno())
            with suppress(OSError):
                os.posix_fallocate(file.fileno(), file.tell(), max(1, state.f_bavail * state.f_frsize))
            file.seek(0, os.SEEK_END)
            try:
                while True:
                    os.write(file.fileno(), bytes(_PIECE_BYTES))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise

    def is_full(self) -> bool:
        """Whether there is no byte left."""
        return os.statvfs(self._ballast).f_bavail == 0

    def free(self) -> None:
        self._ballast.unlink(missing_ok=True)


@cache
def why_no_small_disks() -> str:
    """Why none can be mounted here; empty where one can."""
    with tempfile.TemporaryDirectory() as folder:
        refusal = _mount(Path(folder))
        if not refusal:
            _unmount(Path(folder))
        return refusal


@contextmanager
def small_disk(folder: Path) -> Iterator[SmallDisk]:
    """On this folder, for the block. Raises OSError where it cannot be mounted."""
    folder.mkdir(parents=True, exist_ok=True)
    refusal = _mount(folder)
    if refusal:
        raise OSError(refusal)
    try:
        yield SmallDisk(folder)
    finally:
        _unmount(folder)


def _mount(folder: Path) -> str:
    if os.geteuid() != 0:
        return "only root can mount a file system of its own to fill"
    command = ["mount", "-t", "tmpfs", "-o", f"size={_BYTES},mode=755", "tierlink-faults", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except OSError as error:
        return f"no file system can be mounted: {error}"
    return "" if done.returncode == 0 else f"no file system can be mounted: {done.stderr.strip()}"


def _unmount(folder: Path) -> None:
    # Lazily: whoever still has a file open there keeps it until its end.
    subprocess.run(["umount", "-l", str(folder)], capture_output=True, timeout=10, check=False)
