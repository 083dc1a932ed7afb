"""The clock of one process, which can be made to jump: libfaketime between it and the system.

Only the time of day jumps. What counts seconds since the start of the machine goes on, as it does where
somebody sets the clock or a time server steps it.
"""

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path

VARIABLE = "TIERLINK_TEST_LIBFAKETIME"
_PLACES = ("/usr/lib", "/usr/local/lib", "/usr/lib64")


@cache
def library() -> str:
    """The library's path; empty where it is not installed."""
    given = os.environ.get(VARIABLE, "")
    if given:
        return given
    found = (path for place in _PLACES for path in sorted(Path(place).glob("**/faketime/libfaketimeMT.so.1")))
    return str(next(found, ""))


def why_no_jumps() -> str:
    """Why no clock can be made to jump here; empty where it can."""
    return "" if library() else f"libfaketime is not installed, and {VARIABLE} does not say where it is"


class JumpingClock:
    """A process's; it looks at its file every second."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.jump("+0")

    def environment(self) -> Mapping[str, str]:
        """What the process is started with."""
        return {
            "LD_PRELOAD": library(),
            "FAKETIME_TIMESTAMP_FILE": str(self._path),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_RESET": "1",
            "NO_FAKE_STAT": "1",
        }

    def is_of(self, pid: int) -> bool:
        """Whether a process looks at this clock."""
        try:
            variables = Path(f"/proc/{pid}/environ").read_bytes()
            return (
                str(self._path).encode() in variables
                and "libfaketime" in Path(f"/proc/{pid}/maps").read_text()
            )
        except (FileNotFoundError, ProcessLookupError):
            return False

    def jump(self, by: str) -> None:
        """To so many seconds, with their sign, off the true time."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        new = self._path.with_suffix(".new")
        new.write_text(f"{by}\n", "ascii")
        # At once: a file that is half written is read as no jump at all.
        new.replace(self._path)
