"""A facility's roster as it stands."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from services.notification.domain.clock_times import CHINA_OFFSET_MINUTES
from services.notification.domain.roster_values import (
    CalendarDay,
    CoverageGap,
    RosterEntries,
)
from services.notification.domain.swap_values import SwapProposal
from services.notification.domain.values import Duty, Recipient

#: The role of a duty that answers for every role that names nobody.
ANY_ROLE = "*"


@dataclass(frozen=True, kw_only=True, slots=True)
class Roster(RosterEntries):
    """Who is on duty at a facility. 值班表"""

    #: `rosters/{facility}`
    name: str
    version: int
    facility: str
    #: the national table with the site's over it, as far as the roster needs it
    special_days: tuple[CalendarDay, ...] = ()
    #: gaps that somebody was told of
    open_gaps: tuple[CoverageGap, ...] = ()
    #: when gaps are looked for next; None for a roster that cannot get any
    coverage_check_at: datetime | None = None
    #: swaps that people agree on, or are asked to: no file has them, and no file takes them away
    proposals: tuple[SwapProposal, ...] = ()


def roster_name(facility: str) -> str:
    """The name of a facility's roster."""
    return f"rosters/{facility}"


def offset_minutes(roster: Roster) -> int:
    """The distance of the site's clock from UTC."""
    return CHINA_OFFSET_MINUTES if roster.utc_offset_minutes is None else roster.utc_offset_minutes


def people(roster: Roster) -> dict[str, Recipient]:
    """Everybody whom the roster names, by user."""
    found: dict[str, Recipient] = {}
    for recipient in _recipients(roster):
        found.setdefault(recipient.user, recipient)
    return found


def names(roster: Roster, user: str) -> bool:
    """Whether the roster names the person, for the past, the present or what is to come."""
    return any(recipient.user == user for recipient in _recipients(roster))


def recipient(duty: Duty) -> Recipient:
    """Whom a duty calls."""
    return Recipient(user=duty.user, name=duty.name, channels=duty.channels)


def _recipients(roster: Roster) -> Iterator[Recipient]:
    for rotation in roster.rotations:
        yield from rotation.people
    for duty in (*roster.shifts, *roster.duties):
        yield recipient(duty)
    for leave in roster.leaves:
        if leave.substitute is not None:
            yield leave.substitute
