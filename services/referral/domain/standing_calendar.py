"""Which visits a plan means: days of the week at one time, in the site's time zone."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone

from services.referral.domain.standing_values import (
    StandingPlan,
    StandingPolicy,
    Suspension,
    Visit,
    VisitState,
    Weekday,
)

_WEEKDAYS = tuple(Weekday)


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteCalendar:
    """Days and times as the site's people say them."""

    policy: StandingPolicy

    @property
    def zone(self) -> timezone:
        return timezone(timedelta(minutes=self.policy.utc_offset_minutes))

    def day_of(self, moment: datetime) -> date:
        return moment.astimezone(self.zone).date()

    def day_end(self, day: date) -> datetime:
        """UTC."""
        return datetime.combine(day + timedelta(days=1), time(), self.zone).astimezone(UTC)

    def moment(self, day: date, at: str) -> datetime:
        """UTC. Raises ValueError when `at` is no time of day."""
        return datetime.combine(day, time.fromisoformat(at), self.zone).astimezone(UTC)

    def visit(self, number: int, starts_at: datetime, *, moved_from: str = "") -> Visit:
        return Visit(
            id=f"v{number}",
            state=VisitState.SCHEDULED,
            starts_at=starts_at,
            day=self.day_of(starts_at).isoformat(),
            record_by=starts_at + timedelta(seconds=self.policy.record_within_s),
            moved_from=moved_from,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """Visits of some days, and when the next ones are to be made."""

    starts: tuple[datetime, ...]
    scheduled_until: date
    schedule_at: datetime | None


def window(
    calendar: SiteCalendar,
    plan: StandingPlan,
    suspensions: Iterable[Suspension],
    *,
    first: date,
    now: datetime,
    not_before: datetime | None = None,
) -> Window:
    """The visits from `first` up to the horizon of `now`; the last day of the plan ends them.

    With `not_before`, none that began earlier: an order that is entered late makes no visits of the past.
    """
    ends_on = date.fromisoformat(plan.ends_on)
    begin = max(first, date.fromisoformat(plan.starts_on))
    until = min(ends_on, calendar.day_of(now) + timedelta(days=calendar.policy.horizon_days))
    # Before its first day a plan is as good as made: then it is looked at again.
    until = max(until, begin - timedelta(days=1))
    starts = [
        calendar.moment(day, plan.at)
        for day in _days(begin, until)
        if _WEEKDAYS[day.weekday()] in plan.weekdays and not is_suspended(day, suspensions)
    ]
    again = calendar.day_end(until) - timedelta(days=calendar.policy.top_up_days)
    return Window(
        starts=tuple([moment for moment in starts if not_before is None or moment > not_before]),
        scheduled_until=until,
        schedule_at=None if until >= ends_on else max(again, now + timedelta(days=1)),
    )


def is_suspended(day: date, suspensions: Iterable[Suspension]) -> bool:
    text = day.isoformat()
    return any(each.from_on <= text and (not each.until_on or text <= each.until_on) for each in suspensions)


def has_a_day(plan: StandingPlan) -> bool:
    """Whether any day of the plan is one of its weekdays."""
    days = _days(date.fromisoformat(plan.starts_on), date.fromisoformat(plan.ends_on))
    return any(_WEEKDAYS[day.weekday()] in plan.weekdays for day in days)


def _days(first: date, last: date) -> Iterator[date]:
    day = first
    while day <= last:
        yield day
        day += timedelta(days=1)
