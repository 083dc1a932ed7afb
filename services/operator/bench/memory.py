"""How much memory processes take, from what Linux says of them."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

_PROC = Path("/proc")
_KIB = 1024


def with_children(pid: int) -> Iterator[int]:
    """A process and everything that it started, which is still there."""
    yield pid
    for child in _children(pid):
        yield from with_children(child)


def parent_of(pid: int) -> int:
    """The process that started it. Raises OSError when there is no such process."""
    after_name = (_PROC / str(pid) / "stat").read_text("utf-8").rpartition(")")[2].split()
    return int(after_name[1])


def memory_bytes(pids: Iterable[int], what: str) -> int | None:
    """The sum of `Pss` (what is shared counts once) or `Rss`; None where the system does not tell."""
    total = 0
    for pid in set(pids):
        found = _kibibytes(pid, what)
        if found is None and (_PROC / str(pid)).exists():
            return None
        total += (found or 0) * _KIB
    return total or None


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in _listed(_PROC / str(pid) / "task"):
        try:
            found.extend(int(child) for child in (task / "children").read_text("utf-8").split())
        except OSError:
            continue  # it has ended meanwhile
    return found


def _listed(folder: Path) -> list[Path]:
    try:
        return [folder / name for name in os.listdir(folder)]  # noqa: PTH208
    except OSError:
        return []


def _kibibytes(pid: int, what: str) -> int | None:
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text("utf-8").splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith(f"{what}:"):
            return int(line.split()[1])
    return None
