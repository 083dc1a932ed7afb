"""What a destination takes from its door to the treatment: what it took lately, or what the site sets."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

#: Fewer patients than this are anecdotes, not a median that a decision may lean on. Product default (C).
COUNT_MIN = 5

#: The clock of the destination's door that measures the end of each clock that it stops.
DOOR_CLOCKS: Mapping[str, str] = {
    "onset-to-needle": "door-to-needle",
    "onset-to-puncture": "door-to-puncture",
    "transfer-for-pci": "door-to-balloon",
}


class DoorSource(StrEnum):
    """Where the minutes come from."""

    #: what the destination took lately, half of its patients longer
    MEDIAN = "MEDIAN"
    #: the site's setting, while too few were counted
    SETTING = "SETTING"


@dataclass(frozen=True, kw_only=True, slots=True)
class DoorMedian:
    """What a facility took lately for one clock of its door."""

    minutes: int
    #: patients
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DoorTime:
    """Minutes from a destination's door to the treatment."""

    minutes: int
    source: DoorSource
    #: patients that the median was taken of; 0 for a setting
    count: int = 0


def door_time(clock: str, medians: Mapping[str, DoorMedian], *, fallback_minutes: int) -> DoorTime:
    """For a clock that a destination stops, by what it took for the clocks of its own door."""
    found = medians.get(DOOR_CLOCKS.get(clock, ""))
    if found is None or found.count < COUNT_MIN:
        return DoorTime(minutes=fallback_minutes, source=DoorSource.SETTING)
    return DoorTime(minutes=found.minutes, source=DoorSource.MEDIAN, count=found.count)
