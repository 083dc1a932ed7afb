"""Where text is printed."""

import sys

from rich.console import Console

#: Columns where nobody's window says how many there are, such as in a log.
_LOG_WIDTH = 160


def open_console(*, stderr: bool = False) -> Console:
    """A console on standard output, or on standard error."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else _LOG_WIDTH)
