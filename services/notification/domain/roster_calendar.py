"""What kind of day a day is: its weekday, unless the table of holidays and make-up workdays says otherwise.

In China the State Council publishes the table each autumn for the next year, by its rule on holidays
(全国年节及纪念日放假办法): they are made longer by exchanging weekends for workdays (调休).
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import date, timedelta

from services.notification.domain.clock_times import calendar_date
from services.notification.domain.roster_values import CalendarDay, DayKind

_WORKDAYS_A_WEEK = 5
_WEEK = 7


def merged(national: Iterable[CalendarDay], site: Iterable[CalendarDay]) -> tuple[CalendarDay, ...]:
    """One table, by date; the site's own word on a day stands."""
    return tuple(
        day
        for _, day in sorted(({day.date: day for day in national} | {day.date: day for day in site}).items())
    )


class WorkCalendar:
    """The kinds of all days, from a table of those that are not what their weekday says."""

    def __init__(self, days: Iterable[CalendarDay]) -> None:
        self._special: Mapping[date, DayKind] = {
            found: day.kind for day in days if (found := calendar_date(day.date)) is not None
        }

    def kind(self, day: date) -> DayKind:
        return self._special.get(day) or _by_weekday(day)

    def is_among(self, day: date, kinds: Collection[DayKind]) -> bool:
        """Whether the day is of one of the kinds; every day is where there are none."""
        return not kinds or self.kind(day) in kinds

    def count(self, first: date, last: date, kinds: Collection[DayKind]) -> int:
        """Days from `first` up to, and without, `last` that are of one of the kinds."""
        days = (last - first).days
        if days <= 0 or not kinds:
            return max(0, days)
        wanted = frozenset(kinds)
        found = _count_by_weekday(first, days, wanted)
        for day, kind in self._special.items():
            if first <= day < last:
                found += (kind in wanted) - (_by_weekday(day) in wanted)
        return found


def _by_weekday(day: date) -> DayKind:
    return DayKind.WORKDAY if day.weekday() < _WORKDAYS_A_WEEK else DayKind.WEEKEND


def _count_by_weekday(first: date, days: int, wanted: frozenset[DayKind]) -> int:
    weeks, rest = divmod(days, _WEEK)
    workdays = weeks * _WORKDAYS_A_WEEK
    workdays += sum(_by_weekday(first + timedelta(days=number)) is DayKind.WORKDAY for number in range(rest))
    return (DayKind.WORKDAY in wanted) * workdays + (DayKind.WEEKEND in wanted) * (days - workdays)
