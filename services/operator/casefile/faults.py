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


class FaultyFile(Exception):
    """A file that cannot be used, with all its faults in the order of its lines."""

    def __init__(self, path: Path, faults: Sequence[Fault]) -> None:
        self.path = path
        self.faults = tuple(sorted(faults, key=lambda fault: fault.line))
        super().__init__("\n".join(self.lines()))

    def lines(self) -> tuple[str, ...]:
        """`file:line: fault`, at most a screenful."""
        shown = [f"{self.path}:{fault.line}: {fault.text}" for fault in self.faults[:_SHOWN_MAX]]
        hidden = len(self.faults) - len(shown)
        return (*shown, *((f"{self.path}: {hidden} more faults",) if hidden > 0 else ()))
