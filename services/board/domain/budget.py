"""The time that is left to leave: the treatment window minus the drive minus what the destination takes.

A clock that runs until 14:30 does not leave a branch time until 14:30 when the road takes 90 minutes and the
centre another 40 from door to needle. What is shown is the latest moment to leave, and how much of the time
there was from the start is gone: that decides the colour, and a shape beside it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

#: Product defaults (confidence C): below half of the time amber, below a fifth red.
AMBER_BELOW = 0.5
RED_BELOW = 0.2


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

    @property
    def amber_at(self) -> datetime:
        """From here on it is pressing."""
        return self._when_left(AMBER_BELOW)

    @property
    def red_at(self) -> datetime:
        """From here on it is almost gone."""
        return self._when_left(RED_BELOW)

    def _when_left(self, share: float) -> datetime:
        return self.leave_by - max(self.leave_by - self.started_at, timedelta()) * share


def budget(*, started_at: datetime, stop_by: datetime, drive_minutes: int, door_minutes: int) -> Budget:
    """The budget of a clock that must stop by `stop_by`, with so much road and so much of the destination."""
    leave_by = stop_by - timedelta(minutes=drive_minutes + door_minutes)
    return Budget(
        leave_by=leave_by, started_at=started_at, drive_minutes=drive_minutes, door_minutes=door_minutes
    )
