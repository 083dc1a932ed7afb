"""How much processor time processes have taken, from what Linux says of them."""

import os
from collections.abc import Iterable
from pathlib import Path

_PROC = Path("/proc")
#: Of what follows the name in `/proc/<pid>/stat`: user and system mode, then those of its ended children.
_USER, _SYSTEM, _CHILDREN_SYSTEM = 11, 12, 14


def processor_s(pid: int) -> float:
    """Seconds in user and system mode, of all threads. Raises OSError when there is no such process."""
    return _seconds(pid, _SYSTEM)


def processor_seconds(pids: Iterable[int]) -> float:
    """Of all of them together, with their children that have ended: one that has counts with its parent."""
    found = 0.0
    for pid in set(pids):
        try:
            found += _seconds(pid, _CHILDREN_SYSTEM)
        except OSError:
            continue  # it has ended meanwhile
    return found


def _seconds(pid: int, last: int) -> float:
    # The name may have spaces and brackets in it; what comes after the last one is numbers.
    fields = (_PROC / str(pid) / "stat").read_text("utf-8").rpartition(")")[2].split()
    return sum(int(field) for field in fields[_USER : last + 1]) / os.sysconf("SC_CLK_TCK")
