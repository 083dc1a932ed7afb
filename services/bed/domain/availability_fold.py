"""A facility's free beds from the last word of each of its wards.

The counts are absolute and have versions, so that repeats and stragglers change nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from services.bed.domain.availability import availability, version_of
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
    left_types: dict[str, int] = field(default_factory=dict)


#: The last line of each ward of one facility, by the ward's id.
Lines = Mapping[str, WardLine]


def keep(lines: Lines, line: WardLine) -> Lines | None:
    """The lines with this one; None where a later one of its ward is there already."""
    known = lines.get(line.ward)
    if known is not None and known.version >= line.version:
        return None
    return {**lines, line.ward: line}


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What is published of one bed type of a facility."""

    found: Availability
    #: grows with each line of the type
    version: int


def told(
    before: Lines, after: Lines, line: WardLine, now: datetime, stale_after_s: float
) -> tuple[Told, ...]:
    """What is published once `line` was kept: its type, and the one that its ward had before.

    Also where no count is another: what is published last of a type must carry its last version, or who knows
    an older count of a higher version would not take it. Of a type that no ward has any more there are no
    beds.
    """
    known = before.get(line.ward)
    types = dict.fromkeys((line.bed_type, line.bed_type if known is None else known.bed_type))
    of_type = {each.bed_type: each for each in availability(after.values(), now, stale_after_s)}
    return tuple(
        Told(
            found=of_type.get(bed_type) or _none(line.facility, bed_type),
            version=version_of(after.values(), bed_type),
        )
        for bed_type in types
    )


def _none(facility: str, bed_type: BedType) -> Availability:
    return Availability(
        facility=facility, bed_type=bed_type, counts=WardCounts(), confirmed_at=None, stale=False
    )
