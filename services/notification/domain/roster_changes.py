"""What applying a roster changes, entry by entry, in words."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from services.notification.domain import roster_texts as words
from services.notification.domain.clock_times import CHINA_OFFSET_MINUTES
from services.notification.domain.roster_state import Roster, offset_minutes
from services.shared.kernel.text import BilingualText

#: Differences that are told one by one; the numbers count all of them.
_TOLD_MAX = 500


class Difference(StrEnum):
    """What becomes of an entry."""

    ADDED = "ADDED"
    REMOVED = "REMOVED"


@dataclass(frozen=True, kw_only=True, slots=True)
class RosterDifference:
    """One entry that comes or goes."""

    difference: Difference
    #: field of the roster, such as `rotations`
    section: str
    text: BilingualText


@dataclass(frozen=True, kw_only=True, slots=True)
class RosterChange:
    """What applying a roster adds and takes away, in entries."""

    added: int
    removed: int
    differences: tuple[RosterDifference, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Entry:
    section: str
    value: object
    text: BilingualText


def change(state: Roster | None, wanted: Roster) -> RosterChange:
    """How a roster differs from the one in force; the order of entries says nothing."""
    before = Counter(_entries(state)) if state else Counter[_Entry]()
    after = Counter(_entries(wanted))
    added, removed = after - before, before - after
    told = [
        RosterDifference(difference=difference, section=entry.section, text=entry.text)
        for difference, entries in ((Difference.REMOVED, removed), (Difference.ADDED, added))
        for entry in entries
    ]
    return RosterChange(added=added.total(), removed=removed.total(), differences=tuple(told[:_TOLD_MAX]))


def _entries(roster: Roster) -> Iterator[_Entry]:
    offset = offset_minutes(roster)
    for section, duties in (("duties", roster.duties), ("shifts", roster.shifts)):
        for duty in duties:
            yield _Entry(section=section, value=duty, text=words.duty_text(duty, offset))
    for rotation in roster.rotations:
        text = words.rotation_text(rotation)
        yield _Entry(section="rotations", value=rotation, text=text)
    for swap in roster.swaps:
        yield _Entry(section="swaps", value=swap, text=words.swap_text(swap, offset))
    for leave in roster.leaves:
        yield _Entry(section="leaves", value=leave, text=words.leave_text(leave, offset))
    for day in roster.calendar:
        yield _Entry(section="calendar", value=day, text=words.day_text(day))
    for requirement in roster.requirements:
        text = words.requirement_text(requirement)
        yield _Entry(section="requirements", value=requirement, text=text)
    if offset != CHINA_OFFSET_MINUTES:
        yield _Entry(section="utc_offset_minutes", value=offset, text=words.offset_text(offset))
