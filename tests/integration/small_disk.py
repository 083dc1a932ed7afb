"""A disk of a few megabytes, which a test fills: a tmpfs of its own, and a file that takes what is left."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

_BLOCK_BYTES = 64 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class SmallDisk:
    """A folder with a file system of its own."""

    folder: Path

    @property
    def _ballast(self) -> Path:
        return self.folder / "ballast"

    @property
    def free_bytes(self) -> int:
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize

    def fill(self, *, but_bytes: int = 0) -> None:
        """Takes all that is free, to the last page, or leaves so much of it."""
        block = b"\0" * _BLOCK_BYTES
        # Written, not allocated in one: who writes to it meanwhile may have taken what was free a moment ago.
        with self._ballast.open("ab", buffering=0) as file, suppress(OSError):
            while (left := self.free_bytes - but_bytes) > 0:
                file.write(block[:left])

    def empty(self) -> None:
        """Gives back what `fill` took."""
        self._ballast.unlink(missing_ok=True)


@contextmanager
def small_disk(folder: Path, *, mib: int) -> Iterator[SmallDisk]:
    """A disk of `mib` MiB for the block. Skips the test, with the reason, where none can be mounted."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ("mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=0755", "tierlink-test", str(folder))
    try:
        mounted = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except OSError as error:
        pytest.skip(f"no small disk: {error}")
    if mounted.returncode:
        pytest.skip(f"no small disk: {mounted.stderr.strip()}")
    try:
        yield SmallDisk(folder=folder)
    finally:
        # At once, though a server that a test gave up may still have a file open.
        subprocess.run(("umount", "--lazy", str(folder)), capture_output=True, timeout=10, check=False)
