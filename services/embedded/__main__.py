"""`python -m services.embedded prepare` fetches and makes what the first start needs; `relock` pins anew."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from services.embedded import jars
from services.embedded.archive import ensure_archive
from services.embedded.errors import EmbeddedError


def _prepare() -> None:
    jars.ensure_jars()
    ensure_archive()


def _relock() -> None:
    from services.embedded import maven  # noqa: PLC0415 - slow to import, and seldom needed

    with tempfile.TemporaryDirectory(prefix="tierlink-relock-") as folder:
        locked = maven.resolve(jars.ROOTS, Path(folder))
    lines = [
        "# Written by: python -m services.embedded relock. A line: SHA-256, group:artifact:version.",
        *(f"{jar.sha256}  {jar.coordinates}" for jar in locked),
    ]
    jars.LOCK_PATH.write_text("\n".join(lines) + "\n", "utf-8")
    sys.stdout.write(f"{len(locked)} jars written to {jars.LOCK_PATH}\n")


def main(arguments: list[str]) -> int:
    """Run one of the commands; returns the exit status."""
    commands = {"prepare": _prepare, "relock": _relock}
    if len(arguments) != 1 or arguments[0] not in commands:
        sys.stderr.write(f"usage: python -m services.embedded {'|'.join(commands)}\n")
        return 2
    try:
        commands[arguments[0]]()
    except EmbeddedError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
