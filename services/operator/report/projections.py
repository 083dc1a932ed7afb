"""Read models, and what of one that is made is not as in the one that serves."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.operator.texts import Language, say
from tierlink.projection.v1 import projection_service_pb2 as pb

KINDS = {"MISSING": "red", "EXTRA": "yellow", "ALTERED": "bold red"}


@dataclass(kw_only=True)
class RowComparison:
    """What a comparison found: the first differences, and how many there are."""

    shown_max: int
    projection: str
    shown: list[dict[str, Any]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    aggregates: int = 0
    rows: int = 0
    behind: int = 0

    @property
    def is_same(self) -> bool:
        return not self.counts and not self.behind

    def add(self, page: pb.CompareProjectionResponse) -> None:
        """One message of the stream."""
        for each in page.differences:
            kind = pb.RowDifference.Kind.Name(each.kind).removeprefix("KIND_")
            self.counts[kind] += 1
            if len(self.shown) < self.shown_max:
                self.shown.append({"kind": kind, "key": each.key, "columns": list(each.columns)})
        self.aggregates, self.rows, self.behind = (
            page.aggregates_count,
            page.rows_count,
            page.behind_count,
        )

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "same": self.is_same,
            "projection": self.projection,
            "aggregates": self.aggregates,
            "rows": self.rows,
            "behind": self.behind,
            "counts": {kind: self.counts[kind] for kind in KINDS},
            "differences": self.shown,
        }

    def print(self, console: Console, language: Language) -> None:
        """For people."""
        for each in self.shown:
            kind = each["kind"]
            line = Text(f"{say(f'projection.{kind}', language)}  ", style=KINDS[kind])
            line.append(f"{self.projection} {each['key']}", style="default")
            line.append(f"  {', '.join(each['columns'])}", style="dim")
            console.print(line, soft_wrap=True)
        left = self.counts.total() - len(self.shown)
        if left:
            console.print(say("diff.more", language, count=left))
        counts = {kind.lower(): self.counts[kind] for kind in KINDS}
        key = "projection.same" if self.is_same else "projection.differs"
        text = say(key, language, aggregates=self.aggregates, rows=self.rows, behind=self.behind, **counts)
        console.print(Text(text, style="green" if self.is_same else "bold"), soft_wrap=True)


def projection_document(each: pb.Projection) -> dict[str, Any]:
    """For programs."""
    return {
        "name": each.name,
        "serving": each.serving,
        "building": each.building or None,
        "source": source_of(each) or None,
        "built": each.built_count,
        "aggregates": each.aggregates_count,
        "retired": each.retired or None,
        "decided_by": each.decided_by,
        "decided_at": each.decided_at.ToJsonString() if each.HasField("decided_at") else None,
        "reason": each.reason,
    }


def source_of(each: pb.Projection) -> str:
    """STORE or KAFKA, empty where none is made."""
    name = pb.ProjectionSource.Name(each.source).removeprefix("PROJECTION_SOURCE_")
    return "" if name == "UNSPECIFIED" else name


def print_projections(console: Console, language: Language, found: Sequence[pb.Projection]) -> None:
    """A line for each."""
    table = Table(box=None, pad_edge=False)
    for column in ("name", "serving", "building", "retired", "decision"):
        table.add_column(say(f"projection.{column}", language))
    for each in found:
        building = ""
        if each.building:
            building = f"v{each.building} {source_of(each)} {each.built_count}/{each.aggregates_count}"
        decision = f"{each.decided_by}: {each.reason}" if each.decided_by else ""
        table.add_row(
            each.name,
            f"v{each.serving}",
            building,
            f"v{each.retired}" if each.retired else "",
            Text(decision),
        )
    console.print(table)
