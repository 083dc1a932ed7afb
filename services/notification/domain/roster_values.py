"""What a roster is made of beside plain duties, with the names and fields of `roster_plan.proto`."""

from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from services.notification.domain.values import CodedReason, Duty, Pathway, Recipient
from services.shared.kernel.text import BilingualText


class DayKind(StrEnum):
    """What a day is for those who work. 工作日, 周末, 节假日, 调休上班日"""

    WORKDAY = "WORKDAY"
    WEEKEND = "WEEKEND"
    HOLIDAY = "HOLIDAY"
    MAKEUP_WORKDAY = "MAKEUP_WORKDAY"


class RotationPeriod(StrEnum):
    """After what the next person has their turn."""

    DAILY = "DAILY"
    WEEKLY = "WEEKLY"


class SlotOrigin(StrEnum):
    """Why somebody is on duty: as planned, by exchange (换班), or in place of somebody who is away (替班)."""

    STANDING = "STANDING"
    ROTATION = "ROTATION"
    SHIFT = "SHIFT"
    SWAP = "SWAP"
    SUBSTITUTE = "SUBSTITUTE"


@dataclass(frozen=True, kw_only=True, slots=True)
class Post:
    """A position that one person holds at a time. 岗位"""

    role: str
    #: a DutyStep, but not the fallback
    step: str
    #: None for every pathway that has no post of its own
    pathway: Pathway | None = None
    #: tells the places of several people at the same step apart, from 1; 0 for plain duties together
    seat: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Rotation:
    """People who take turns on a post. 轮值"""

    post: Post
    period: RotationPeriod
    people: tuple[Recipient, ...]
    #: first day, `YYYY-MM-DD`, when the first person has their turn; a week begins on its weekday
    starts_on: str
    #: last day; empty for no end
    ends_on: str = ""
    #: `HH:MM` on the site's clock: when a turn begins
    handover: str = "08:00"
    #: `HH:MM`; empty until the next day's hand-over
    until: str = ""
    #: days on which it has turns; every day when there are none
    days: tuple[DayKind, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class SwapSide:
    """One of the two turns that are exchanged: as the roster plans it without the exchange."""

    post: Post
    starts_at: datetime
    user: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Swap:
    """Two people exchange a turn each. 换班"""

    first: SwapSide
    second: SwapSide
    reason: CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class Leave:
    """A person is away: their duties are the substitute's, or gaps. 请假"""

    user: str
    starts_at: datetime
    ends_at: datetime
    substitute: Recipient | None = None
    reason: CodedReason | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CalendarDay:
    """A day that is not what its weekday says."""

    #: `YYYY-MM-DD`
    date: str
    kind: DayKind
    name: BilingualText | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Requirement:
    """When a post must be held; one without any must be held around the clock."""

    post: Post
    #: every day when there are none
    days: tuple[DayKind, ...] = ()
    #: `HH:MM`; both empty for the whole day
    starts: str = ""
    ends: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class DutySlot:
    """A stretch of time on a post: somebody's, or nobody's because they are away."""

    post: Post
    starts_at: datetime
    ends_at: datetime
    #: None when the person is away and nobody stands in
    holder: Recipient | None
    origin: SlotOrigin
    #: who is away
    absent: str = ""
    #: beginning of the turn as planned; a swap names the turn by it
    planned_at: datetime | None = None
    #: field of the roster that it comes from, such as `rotations[0]`
    source: str = ""


#: Fields of a slot that the resource does not show.
SLOT_INTERNAL_FIELDS = frozenset({"source"})


@dataclass(frozen=True, kw_only=True, slots=True)
class CoverageGap:
    """A stretch in which nobody holds a post that must be held. 值班空缺"""

    post: Post
    starts_at: datetime
    ends_at: datetime
    #: people whose absence left it
    absent: tuple[str, ...] = ()


class WeakSpot(StrEnum):
    """Why all hangs on one person."""

    #: nobody else could be called for the role
    NO_BACKUP = "NO_BACKUP"
    #: the same person is the first to be called for several roles
    SEVERAL_ROLES = "SEVERAL_ROLES"


@dataclass(frozen=True, kw_only=True, slots=True)
class SinglePoint:
    """A stretch in which all hangs on one person. 单点风险"""

    kind: WeakSpot
    user: str
    roles: tuple[str, ...]
    pathway: Pathway | None
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class RosterEntries:
    """What a roster says, as it is applied, recorded and kept."""

    #: plain duties, which nobody takes turns on
    duties: tuple[Duty, ...] = ()
    rotations: tuple[Rotation, ...] = ()
    #: over the rotations
    shifts: tuple[Duty, ...] = ()
    swaps: tuple[Swap, ...] = ()
    leaves: tuple[Leave, ...] = ()
    #: the site's own table, over the national one
    calendar: tuple[CalendarDay, ...] = ()
    #: None for China Standard Time
    utc_offset_minutes: int | None = None
    requirements: tuple[Requirement, ...] = ()


def entries_of(given: RosterEntries) -> dict[str, Any]:
    """By field, to be said again by another of the three."""
    return {each.name: getattr(given, each.name) for each in fields(RosterEntries)}
