"""Exit codes and the last line before them."""

import sys
from enum import IntEnum
from typing import NoReturn

import typer


class Exit(IntEnum):
    """What a command's exit code says."""

    #: as it must be
    OK = 0
    #: done, and something is not as it must be
    FINDINGS = 1
    #: wrong usage, or what is needed cannot be reached
    UNUSABLE = 2
    #: as shells say it of Ctrl-C
    INTERRUPTED = 130


def give_up(message: str, code: Exit = Exit.UNUSABLE) -> NoReturn:
    """Says why on standard error, and ends the program."""
    sys.stderr.write(f"tierlink: {message}\n")
    raise typer.Exit(int(code))
