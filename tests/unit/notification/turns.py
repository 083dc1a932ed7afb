"""Rosters with turns, on the clock of China: days and times as people write them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from services.notification.domain import roster as rosters
from services.notification.domain.roster import Roster
from services.notification.domain.roster_commands import ApplyRoster
from services.notification.domain.roster_slots import slots_at
from services.notification.domain.roster_values import (
    CalendarDay,
    DayKind,
    Leave,
    Post,
    Rotation,
    RotationPeriod,
    Swap,
    SwapSide,
)
from services.notification.domain.values import CodedReason, Duty, Recipient
from tests.unit.notification.scenario import HOSPITAL

STROKE = Post(role="STROKE", step="duty")
BACKUP = Post(role="STROKE", step="backup")
WORKDAYS = (DayKind.WORKDAY, DayKind.MAKEUP_WORKDAY)
REST_DAYS = (DayKind.WEEKEND, DayKind.HOLIDAY)
REASON = CodedReason(code="PERSONAL")


def local(text: str) -> datetime:
    """`2026-01-05 08:00` in China."""
    moment = datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
    return moment - timedelta(hours=8)


def who(*users: str) -> tuple[Recipient, ...]:
    return tuple(Recipient(user=user, name=f"{user}医师") for user in users)


def rotation(*users: str, **changes: Any) -> Rotation:
    """A daily one from Monday, 5 January 2026."""
    fields: dict[str, Any] = {
        "post": STROKE,
        "period": RotationPeriod.DAILY,
        "people": who(*users),
        "starts_on": "2026-01-05",
    }
    return Rotation(**{**fields, **changes})


def shift(user: str, begin: str, end: str, post: Post = STROKE) -> Duty:
    return Duty(
        facility=HOSPITAL,
        role=post.role,
        step=post.step,
        user=user,
        name=f"{user}医师",
        starts_at=local(begin),
        ends_at=local(end),
        pathway=post.pathway,
        seat=post.seat,
    )


def leave(user: str, begin: str, end: str, substitute: str = "") -> Leave:
    return Leave(
        user=user,
        starts_at=local(begin),
        ends_at=local(end),
        substitute=who(substitute)[0] if substitute else None,
    )


def swap(first: tuple[str, str], second: tuple[str, str], post: Post = STROKE) -> Swap:
    sides = [SwapSide(post=post, starts_at=local(begin), user=user) for user, begin in (first, second)]
    return Swap(first=sides[0], second=sides[1], reason=REASON)


def day(date: str, kind: DayKind) -> CalendarDay:
    return CalendarDay(date=date, kind=kind)


def command(**fields: Any) -> ApplyRoster:
    return ApplyRoster(facility=HOSPITAL, **{"duties": (), **fields})


def roster(**fields: Any) -> Roster:
    """As the command leaves it, unchecked."""
    return rosters.planned(HOSPITAL, command(**fields), ())


def holder(state: Roster, at: str, post: Post = STROKE) -> str:
    """Who has the post; empty for nobody."""
    found = [slot for slot in slots_at(state, local(at)) if slot.post == post and slot.holder]
    assert len(found) <= 1
    return found[0].holder.user if found and found[0].holder else ""
