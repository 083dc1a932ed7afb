"""What is wrong with a file: every fault at once, each with its line."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_SHOWN_MAX = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One fault."""

    #: from 1; 0 when it is the file as a whole
    line: int
    text: str
    #: from 1; 0 when it is the line as a whole
    column: int = 0


class FaultyFile(Exception):
    """A file that cannot be used, with all its faults in the order of its lines, each once."""

    def __init__(self, path: Path, faults: Sequence[Fault]) -> None:
        self.path = path
        self.faults = tuple(sorted(dict.fromkeys(faults), key=lambda fault: (fault.line, fault.column)))
        super().__init__("\n".join(self.lines()))

    def lines(self) -> tuple[str, ...]:
        """`file:line:column: fault`, at most a screenful."""
        shown = [f"{self.path}:{_place(fault)}: {fault.text}" for fault in self.faults[:_SHOWN_MAX]]
        hidden = len(self.faults) - len(shown)
        return (*shown, *((f"{self.path}: {hidden} more faults",) if hidden > 0 else ()))


def _place(fault: Fault) -> str:
    return f"{fault.line}:{fault.column}" if fault.column else str(fault.line)
