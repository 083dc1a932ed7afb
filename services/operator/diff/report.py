"""What a comparison found, as one document and as lines."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.text import Text

from services.operator.diff.comparing import Difference, DifferenceKind, Side
from services.operator.texts import Language, say

_STYLES = {
    DifferenceKind.MISSING: "red",
    DifferenceKind.EXTRA: "yellow",
    DifferenceKind.ALTERED: "bold red",
    DifferenceKind.REORDERED: "magenta",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class SideCounts:
    """One side in numbers."""

    #: such as `tierlink.referral.events.v1 @ kafka-1:9092`
    name: str
    events: int
    repeats: int


class Comparison:
    """What was compared so far."""

    def __init__(self, *, shown_max: int) -> None:
        """Keeps the first `shown_max` differences, and counts them all."""
        self._shown_max = shown_max
        self._pairs: list[tuple[SideCounts, SideCounts]] = []
        self._found: list[Difference] = []
        self._counts: Counter[DifferenceKind] = Counter()

    @property
    def is_same(self) -> bool:
        return not self._counts

    def add(self, topic: str, first: tuple[str, Side], second: tuple[str, Side]) -> None:
        """Compares two sides, each with its name."""
        self._pairs.append((_counts(*first), _counts(*second)))
        for difference in first[1].differences(second[1], topic):
            self._counts[difference.kind] += 1
            if len(self._found) < self._shown_max:
                self._found.append(difference)

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "same": self.is_same,
            "compared": [
                [{"name": side.name, "events": side.events, "repeats": side.repeats} for side in pair]
                for pair in self._pairs
            ],
            "counts": {kind.value: self._counts[kind] for kind in DifferenceKind},
            "differences": [
                {
                    "kind": each.kind.value,
                    "topic": each.topic,
                    "aggregate": each.aggregate,
                    "version": each.version,
                }
                for each in self._found
            ],
        }

    def print(self, console: Console, language: Language) -> None:
        """For people."""
        for first, second in self._pairs:
            for key, side in (("diff.first", first), ("diff.second", second)):
                console.print(
                    say(key, language, name=side.name, events=side.events, repeats=side.repeats),
                    soft_wrap=True,
                    highlight=False,
                )
        for line in self._lines(language):
            console.print(line, soft_wrap=True)
        if self.is_same:
            console.print(say("diff.same", language), style="green")
            return
        counts = {kind.value.lower(): self._counts[kind] for kind in DifferenceKind}
        console.print(say("diff.differs", language, **counts), soft_wrap=True)
        left = sum(self._counts.values()) - len(self._found)
        if left:
            console.print(say("diff.more", language, count=left))

    def _lines(self, language: Language) -> Iterator[Text]:
        for each in self._found:
            line = Text(say(f"diff.{each.kind.value}", language), style=_STYLES[each.kind])
            version = f" v{each.version}" if each.version else ""
            line.append(f"  {each.aggregate}{version}", style="default")
            line.append(f"  {each.topic}", style="dim")
            yield line


def _counts(name: str, side: Side) -> SideCounts:
    return SideCounts(name=name, events=side.count, repeats=side.repeats)
