"""How much processor time processes have taken, from what Linux says of them."""

import os
from collections.abc import Iterable
from pathlib import Path

_PROC = Path("/proc")
#: Of what follows the name in `/proc/<pid>/stat`: user and system mode, then those of its ended children.
_FIRST, _LAST = 11, 14


def processor_seconds(pids: Iterable[int]) -> float:
    """What all of them took, in all threads, with their children that have ended.

    One that has ended itself counts with its parent, or not at all.
    """
    found = 0.0
    for pid in set(pids):
        try:
            found += _seconds(pid)
        except OSError:
            continue  # it has ended meanwhile
    return found


def _seconds(pid: int) -> float:
    # The name may have spaces and brackets in it; what comes after the last one is numbers.
    fields = (_PROC / str(pid) / "stat").read_text("utf-8").rpartition(")")[2].split()
    return sum(int(field) for field in fields[_FIRST : _LAST + 1]) / os.sysconf("SC_CLK_TCK")
