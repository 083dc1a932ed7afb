"""The two headers that a replay adds; everything else of a record stays as it was."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.operator.events.record import EventRecord

#: How many times the record was replayed.
COUNT_HEADER = "tierlink_replays"
#: Which replay put it there, and from where: `<replay> <topic> <partition> <offset>`.
PLACE_HEADER = "tierlink_replay"
MARKS = frozenset({COUNT_HEADER, PLACE_HEADER})

Headers = Sequence[tuple[str, bytes]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """Where a replayed record came from."""

    replay: str
    topic: str
    partition: int
    offset: int


def replays_of(headers: Headers) -> int:
    """How often a record was replayed; what cannot be read counts as never."""
    for name, value in headers:
        if name == COUNT_HEADER:
            return int(value) if value and value.isdigit() else 0
    return 0


def mark_of(headers: Headers) -> Mark | None:
    """Where it came from; None for what no replay put there."""
    for name, value in headers:
        if name != PLACE_HEADER:
            continue
        parts = (value or b"").decode(errors="replace").split(" ")
        if len(parts) == 4 and parts[2].isdigit() and parts[3].isdigit():
            return Mark(replay=parts[0], topic=parts[1], partition=int(parts[2]), offset=int(parts[3]))
    return None


def marked(record: EventRecord, replay: str) -> list[tuple[str, bytes]]:
    """The record's headers with the marks of this replay in the place of an earlier one's."""
    kept = [header for header in record.headers if header[0] not in MARKS]
    place = f"{replay} {record.topic.name} {record.partition} {record.offset}"
    return [
        *kept,
        (COUNT_HEADER, str(replays_of(record.headers) + 1).encode()),
        (PLACE_HEADER, place.encode()),
    ]


def unmarked(headers: Headers) -> list[tuple[str, bytes]]:
    """Headers without the marks of a replay."""
    return [header for header in headers if header[0] not in MARKS]
