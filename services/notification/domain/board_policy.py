"""Where a board is expected, how long its silence is borne, and how drills are held: the site's file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta, timezone


@dataclass(frozen=True, kw_only=True, slots=True)
class DrillTiming:
    """When the daily drill is held, and how long an answer is waited for."""

    #: local time; None holds none
    at: time | None
    answer_within_s: int
    #: a drill that is later than this, because the platform was away, is not held
    late_max_s: int


@dataclass(frozen=True, kw_only=True, slots=True)
class BoardPolicy:
    """The site's terms for boards and drills."""

    #: a board without a sign of life for so long is not live
    live_s: int
    #: no board live for so long is an outage
    limit_s: int
    #: capabilities that make a facility a centre, in the order in which they are named
    centres: tuple[str, ...]
    #: facilities that must have a board from the start, whether or not one was ever seen
    facilities: tuple[str, ...]
    drill: DrillTiming
    #: of the local time
    utc_offset_minutes: int
    #: by facility: its centres that must have a board of their own from the start
    walls: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def centres_of(self, capabilities: tuple[str, ...]) -> tuple[str, ...]:
        """The centres of a facility with these capabilities."""
        return tuple(centre for centre in self.centres if centre in capabilities)

    def expects_board(self, facility: str, capabilities: tuple[str, ...], centre: str = "") -> bool:
        """Whether a board that this facility, or this centre of it, once had may not go silent."""
        if centre:
            return centre in self.walls.get(facility, ()) or centre in self.centres_of(capabilities)
        return facility in self.facilities or bool(self.centres_of(capabilities))

    def next_drill(self, after: datetime) -> datetime | None:
        """The first moment after `after` at which the daily drill is held; None where none is."""
        if self.drill.at is None:
            return None
        zone = timezone(timedelta(minutes=self.utc_offset_minutes))
        local = after.astimezone(zone)
        found = datetime.combine(local.date(), self.drill.at, zone)
        if found <= local:
            found += timedelta(days=1)
        return found.astimezone(after.tzinfo)
