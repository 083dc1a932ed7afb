"""The turns of a rotation: who has which day, from the roster and the calendar alone."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from services.notification.domain.clock_times import (
    DAY_MINUTES,
    calendar_date,
    clock_minutes,
    local_moment,
    local_time,
)
from services.notification.domain.roster_calendar import WorkCalendar
from services.notification.domain.roster_values import (
    DutySlot,
    Requirement,
    Rotation,
    RotationPeriod,
    SlotOrigin,
)

Span = tuple[datetime, datetime]

_DAY = timedelta(days=1)
_WEEK_DAYS = 7


def turns(
    rotation: Rotation,
    calendar: WorkCalendar,
    utc_offset_minutes: int,
    *,
    first: datetime,
    last: datetime,
    source: str,
) -> Iterator[DutySlot]:
    """The turns that touch a period. A rotation that is not sound has none."""
    begins_on, begin = calendar_date(rotation.starts_on), clock_minutes(rotation.handover)
    if begins_on is None or begin is None or not rotation.people:
        return
    ends_on = calendar_date(rotation.ends_on)
    length = turn_minutes(rotation)
    day = max(begins_on, local_time(first, utc_offset_minutes).date() - _DAY)
    counted = calendar.count(begins_on, day, rotation.days)
    final = local_time(last, utc_offset_minutes).date()
    while day <= (final if ends_on is None else min(final, ends_on)):
        if calendar.is_among(day, rotation.days):
            starts_at = local_moment(day, begin, utc_offset_minutes)
            ends_at = starts_at + timedelta(minutes=length)
            if starts_at < last and ends_at > first:
                yield DutySlot(
                    post=rotation.post,
                    starts_at=starts_at,
                    ends_at=ends_at,
                    holder=rotation.people[_turn(rotation, begins_on, day, counted)],
                    origin=SlotOrigin.ROTATION,
                    planned_at=starts_at,
                    source=source,
                )
            counted += 1
        day += _DAY


def turn_minutes(rotation: Rotation) -> int:
    """How long a turn is; a whole day when nothing, or the hand-over itself, is its end."""
    begin, end = clock_minutes(rotation.handover), clock_minutes(rotation.until)
    if begin is None or end is None:
        return DAY_MINUTES
    return (end - begin) % DAY_MINUTES or DAY_MINUTES


def required_spans(
    requirement: Requirement,
    calendar: WorkCalendar,
    utc_offset_minutes: int,
    *,
    first: datetime,
    last: datetime,
) -> Iterator[Span]:
    """When a requirement wants its post held, within a period."""
    begin = clock_minutes(requirement.starts) or 0
    end = clock_minutes(requirement.ends)
    length = DAY_MINUTES if end is None else (end - begin) % DAY_MINUTES or DAY_MINUTES
    day = local_time(first, utc_offset_minutes).date() - _DAY
    while day <= local_time(last, utc_offset_minutes).date():
        if calendar.is_among(day, requirement.days):
            starts_at = local_moment(day, begin, utc_offset_minutes)
            span = (max(first, starts_at), min(last, starts_at + timedelta(minutes=length)))
            if span[0] < span[1]:
                yield span
        day += _DAY


def _turn(rotation: Rotation, begins_on: date, day: date, counted: int) -> int:
    """Whose turn it is. Days on which the rotation rests take nobody's turn away."""
    if rotation.period is RotationPeriod.WEEKLY:
        return (day - begins_on).days // _WEEK_DAYS % len(rotation.people)
    return counted % len(rotation.people)
