"""The national table of days that are not what their weekday says."""

from datetime import datetime
from typing import Protocol

from services.notification.domain.clock_times import calendar_date
from services.notification.domain.roster_values import CalendarDay, Rotation

#: Years after the present one: a notice is published in autumn for the next year.
_YEARS_AHEAD = 2
#: Further back no rotation may begin.
_YEARS_BACK_MAX = 6


class Calendars(Protocol):
    """Where holidays and make-up workdays are known."""

    def special_days(self, first_year: int, last_year: int) -> tuple[CalendarDay, ...]:
        """By date, both years included."""
        ...


def national_days(
    calendars: Calendars, rotations: tuple[Rotation, ...], at: datetime
) -> tuple[CalendarDay, ...]:
    """What the turns of these rotations are counted by, from the first of them on."""
    begins = [day.year for item in rotations if (day := calendar_date(item.starts_on)) is not None]
    first = max(min([at.year - 1, *begins]), at.year - _YEARS_BACK_MAX)
    return calendars.special_days(first, at.year + _YEARS_AHEAD)
