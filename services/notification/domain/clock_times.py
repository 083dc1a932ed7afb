"""Times of the day on a site's own clock: `HH:MM` in a zone that is a fixed distance from UTC.

China knows one zone and no daylight saving time (GB/T 7408.1: local time, with its difference from UTC), so
a distance in minutes is all that a site needs.
"""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone

#: China Standard Time.
CHINA_OFFSET_MINUTES = 480
DAY_MINUTES = 24 * 60

_CLOCK_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


def clock_minutes(clock_time: str) -> int | None:
    """Minutes since midnight of `HH:MM`; None when it is no such time."""
    found = _CLOCK_TIME.fullmatch(clock_time)
    return int(found[1]) * 60 + int(found[2]) if found else None


def calendar_date(text: str) -> date | None:
    """The day that `YYYY-MM-DD` names; None when it names none."""
    if len(text) != len("2026-01-01"):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def local_moment(day: date, minutes: int, utc_offset_minutes: int) -> datetime:
    """The moment, in UTC, `minutes` after midnight of a day on the site's clock. Raises OverflowError."""
    midnight = datetime.combine(day, time(), tzinfo=UTC)
    return midnight + timedelta(minutes=minutes - utc_offset_minutes)


def local_time(at: datetime, utc_offset_minutes: int) -> datetime:
    """A moment on the site's clock. Raises ValueError for a distance of a day or more."""
    return at.astimezone(timezone(timedelta(minutes=utc_offset_minutes)))


def is_within(at: datetime, starts: str, ends: str, utc_offset_minutes: int) -> bool:
    """Whether a moment lies in a daily span, which may go over midnight; its end is no part of it."""
    local = local_time(at, utc_offset_minutes)
    minutes = local.hour * 60 + local.minute
    begin, end = clock_minutes(starts), clock_minutes(ends)
    if begin is None or end is None or begin == end:
        return False
    return begin <= minutes < end if begin < end else minutes >= begin or minutes < end
