"""The national table of holidays and make-up workdays, from the `holidays` package.

The package follows the State Council's yearly notices (国务院办公厅关于部分节假日安排的通知). Where a year's
notice is not in it yet, it has the holidays by law and no exchanged days: the site's own table goes first.
"""

from datetime import date
from functools import cache

import holidays

from services.notification.domain.roster_values import CalendarDay, DayKind
from services.shared.kernel.text import BilingualText

_COUNTRY = "CN"
_MAKEUP = BilingualText(zh="调休上班", en="make-up workday")


class NationalCalendar:
    """Implements `Calendars`."""

    def special_days(self, first_year: int, last_year: int) -> tuple[CalendarDay, ...]:
        return tuple(day for year in range(first_year, last_year + 1) for day in _year(year))


@cache
def _year(year: int) -> tuple[CalendarDay, ...]:
    """Of the days that the table names twice, work goes before leisure: somebody was told to come."""
    chinese = holidays.country_holidays(_COUNTRY, years=year, language="zh_CN")
    english = holidays.country_holidays(_COUNTRY, years=year, language="en_US")
    days: dict[date, CalendarDay] = {
        day: CalendarDay(
            date=day.isoformat(),
            kind=DayKind.HOLIDAY,
            name=BilingualText(zh=name, en=english.get(day) or name),
        )
        for day, name in chinese.items()
    }
    for day in chinese.weekend_workdays:
        if day.year == year:
            days[day] = CalendarDay(date=day.isoformat(), kind=DayKind.MAKEUP_WORKDAY, name=_MAKEUP)
    return tuple(days[day] for day in sorted(days))
