"""The time that is left to leave: the treatment window minus the drive minus what the destination takes.

A clock that runs until 14:30 does not leave a branch time until 14:30 when the road takes 90 minutes and the
centre another 40 from door to needle. What is shown is the latest moment to leave, and how much of the time
there was from the start is gone: that decides the colour, and a shape beside it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

#: Product defaults (confidence C): below half of the time amber, below a fifth red.
AMBER_BELOW = 0.5
RED_BELOW = 0.2


class Light(StrEnum):
    """How pressing it is."""

    GREEN = "GREEN"
    AMBER = "AMBER"
    RED = "RED"
    #: the moment has passed; it warns and blocks nothing
    OVER = "OVER"


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """A running clock as the board counts it down."""

    #: the latest moment to leave; the clock's own end when nobody has to travel
    leave_by: datetime
    #: when the clock began
    started_at: datetime
    #: taken off the window, in minutes
    drive_minutes: int
    door_minutes: int


def budget(*, started_at: datetime, stop_by: datetime, drive_minutes: int, door_minutes: int) -> Budget:
    """The budget of a clock that must stop by `stop_by`, with so much road and so much of the destination."""
    leave_by = stop_by - timedelta(minutes=drive_minutes + door_minutes)
    return Budget(
        leave_by=leave_by, started_at=started_at, drive_minutes=drive_minutes, door_minutes=door_minutes
    )


def light(found: Budget, now: datetime) -> Light:
    """The colour at a moment. A budget that was spent before it began is over from the start."""
    left_s = (found.leave_by - now).total_seconds()
    whole_s = (found.leave_by - found.started_at).total_seconds()
    if left_s <= 0:
        return Light.OVER
    share = left_s / whole_s
    if share < RED_BELOW:
        return Light.RED
    return Light.AMBER if share < AMBER_BELOW else Light.GREEN
