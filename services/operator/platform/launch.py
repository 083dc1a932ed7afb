"""Becomes a service, with an environment that is read from a file.

The guardian of a process gets its settings as arguments, which every user of the machine can read, and a
service's environment has passwords in it. So it travels in a file of this user's own, gone once it is read.
A script of its own, run as `python -I -S launch.py <file> <module>`: it needs the standard library only.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def write_environment(path: Path, environment: dict[str, str]) -> None:
    """Writes the file that `launch` reads. Raises OSError."""
    path.unlink(missing_ok=True)
    # The mode is given at creation: a chmod afterwards would leave a moment in which others may read it.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(environment, file)


def launch(path: Path, module: str) -> None:
    """Reads the file, removes it, and becomes `python -m module`."""
    environment: dict[str, str] = json.loads(path.read_text("utf-8"))
    path.unlink()
    os.execve(sys.executable, [sys.executable, "-m", module], environment)


if __name__ == "__main__":
    launch(Path(sys.argv[1]), sys.argv[2])
