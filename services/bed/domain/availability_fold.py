"""A facility's free beds from the last word of each of its wards.

The counts are absolute and have versions, so that repeats and stragglers change nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.bed.domain.availability import availability
from services.bed.domain.values import Availability, BedType, WardCounts


@dataclass(frozen=True, kw_only=True, slots=True)
class WardLine:
    """What an event said of its ward."""

    ward: str
    version: int
    facility: str
    bed_type: BedType
    counts: WardCounts
    confirmed_at: datetime | None


#: The last line of each ward of one facility, by the ward's id.
Lines = Mapping[str, WardLine]


def keep(lines: Lines, line: WardLine) -> Lines | None:
    """The lines with this one; None where a later one of its ward is there already."""
    known = lines.get(line.ward)
    if known is not None and known.version >= line.version:
        return None
    return {**lines, line.ward: line}


def version_of(lines: Lines) -> int:
    """Grows with each line that is kept: what is published of a facility carries it."""
    return sum(line.version for line in lines.values())


def changed_availability(
    before: Lines, after: Lines, now: datetime, stale_after_s: float
) -> tuple[Availability, ...]:
    """What is new of the facility by bed type; of a type that no ward has any more there are no beds."""
    old = {each.bed_type: each for each in availability(before.values(), now, stale_after_s)}
    new = {each.bed_type: each for each in availability(after.values(), now, stale_after_s)}
    gone = [
        Availability(
            facility=each.facility, bed_type=bed_type, counts=WardCounts(), confirmed_at=None, stale=False
        )
        for bed_type, each in old.items()
        if bed_type not in new
    ]
    return (*(each for bed_type, each in new.items() if old.get(bed_type) != each), *gone)
