"""Where nobody will be on duty, and where all hangs on one person."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from typing import TypeVar

from services.notification.domain.roster_calendar import WorkCalendar
from services.notification.domain.roster_slots import timeline, without
from services.notification.domain.roster_state import ANY_ROLE, Roster, offset_minutes
from services.notification.domain.roster_turns import Span, required_spans
from services.notification.domain.roster_values import (
    CoverageGap,
    DutySlot,
    Post,
    SinglePoint,
    WeakSpot,
)
from services.notification.domain.values import DutyStep, Pathway

T = TypeVar("T")

#: Steps whose people answer the first calls; a lead who is called after 40 minutes is no backup.
_ANSWERING = (DutyStep.DUTY.value, DutyStep.BACKUP.value)


def required_posts(roster: Roster) -> tuple[Post, ...]:
    """Posts that must be held: those of rotations, requirements and plain duties; these have seat 0.

    A shift on a post of its own, such as one more person for a festival, is nobody's duty afterwards.
    """
    posts = [rotation.post for rotation in roster.rotations]
    posts += [_required_post(roster, requirement.post) for requirement in roster.requirements]
    posts += [Post(role=duty.role, step=duty.step, pathway=duty.pathway, seat=0) for duty in roster.duties]
    return tuple(dict.fromkeys(posts))


def gaps(roster: Roster, first: datetime, last: datetime) -> tuple[CoverageGap, ...]:
    """When a post that must be held is nobody's, within a period; by beginning."""
    held: dict[Post, list[DutySlot]] = defaultdict(list)
    for slot in timeline(roster, first, last):
        held[_coverage_post(slot)].append(slot)
    found = [
        CoverageGap(post=post, starts_at=begin, ends_at=end, absent=_absent(held[post], (begin, end)))
        for post in required_posts(roster)
        for begin, end in _uncovered(roster, post, held[post], first, last)
    ]
    return tuple(sorted(found, key=lambda gap: gap.starts_at))


def single_points(roster: Roster, first: datetime, last: datetime) -> tuple[SinglePoint, ...]:
    """Stretches in which all hangs on one person, within a period; by beginning."""
    slots = [
        slot
        for slot in timeline(roster, first, last)
        if slot.holder is not None and slot.post.step in _ANSWERING
    ]
    by_role: dict[tuple[str, Pathway | None], list[DutySlot]] = defaultdict(list)
    by_user: dict[str, list[DutySlot]] = defaultdict(list)
    for slot in slots:
        by_role[slot.post.role, slot.post.pathway].append(slot)
        if slot.holder and slot.post.step == DutyStep.DUTY and slot.post.role != ANY_ROLE:
            by_user[slot.holder.user].append(slot)
    found = [*_without_backup(by_role, first, last), *_in_several_roles(by_user, first, last)]
    return tuple(sorted(found, key=lambda point: point.starts_at))


def _required_post(roster: Roster, post: Post) -> Post:
    """A requirement of what only plain duties fill is one of all of them together."""
    plain = replace(post, seat=0)
    is_plain = any(
        plain == Post(role=duty.role, step=duty.step, pathway=duty.pathway, seat=0) for duty in roster.duties
    )
    return plain if is_plain else replace(post, seat=post.seat or 1)


def _coverage_post(slot: DutySlot) -> Post:
    is_plain = slot.source.startswith("duties[")
    return replace(slot.post, seat=0) if is_plain else slot.post


def _uncovered(
    roster: Roster, post: Post, slots: Iterable[DutySlot], first: datetime, last: datetime
) -> Iterator[Span]:
    calendar, offset = WorkCalendar(roster.special_days), offset_minutes(roster)
    wanted = [item for item in roster.requirements if _required_post(roster, item.post) == post]
    spans = [
        span for item in wanted for span in required_spans(item, calendar, offset, first=first, last=last)
    ]
    taken = [(slot.starts_at, slot.ends_at) for slot in slots if slot.holder is not None]
    for span in merged_spans(spans) if wanted else [(first, last)]:
        yield from without(span, taken)


def merged_spans(spans: Iterable[Span]) -> list[Span]:
    """Spans in order, those that touch as one."""
    found: list[Span] = []
    for begin, end in sorted(spans):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((begin, end))
    return found


def _absent(slots: Iterable[DutySlot], gap: Span) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(
            slot.absent
            for slot in slots
            if slot.holder is None and slot.starts_at < gap[1] and slot.ends_at > gap[0]
        )
    )


def _without_backup(
    by_role: dict[tuple[str, Pathway | None], list[DutySlot]], first: datetime, last: datetime
) -> Iterator[SinglePoint]:
    for (role, pathway), slots in by_role.items():
        alone = [
            (begin, end, next(iter(users)))
            for begin, end, present in _stretches(slots, first, last)
            if len(users := {slot.holder.user for slot in present if slot.holder}) == 1
        ]
        for begin, end, user in _joined(alone):
            yield SinglePoint(
                kind=WeakSpot.NO_BACKUP,
                user=user,
                roles=(role,),
                pathway=pathway,
                starts_at=begin,
                ends_at=end,
            )


def _in_several_roles(
    by_user: dict[str, list[DutySlot]], first: datetime, last: datetime
) -> Iterator[SinglePoint]:
    for user, slots in by_user.items():
        shared = [
            (begin, end, roles)
            for begin, end, present in _stretches(slots, first, last)
            if len(roles := tuple(sorted({slot.post.role for slot in present}))) > 1
        ]
        for begin, end, roles in _joined(shared):
            yield SinglePoint(
                kind=WeakSpot.SEVERAL_ROLES,
                user=user,
                roles=roles,
                pathway=None,
                starts_at=begin,
                ends_at=end,
            )


def _stretches(
    slots: list[DutySlot], first: datetime, last: datetime
) -> Iterator[tuple[datetime, datetime, list[DutySlot]]]:
    """Stretches between two changes of duty, with the slots that last all through."""
    edges = {first, last}
    for slot in slots:
        edges |= {max(first, slot.starts_at), min(last, slot.ends_at)}
    ordered = sorted(edges)
    for begin, end in pairwise(ordered):
        present = [slot for slot in slots if slot.starts_at <= begin and slot.ends_at >= end]
        if present:
            yield begin, end, present


def _joined(stretches: list[tuple[datetime, datetime, T]]) -> list[tuple[datetime, datetime, T]]:
    found: list[tuple[datetime, datetime, T]] = []
    for begin, end, what in stretches:
        if found and found[-1][1] == begin and found[-1][2] == what:
            found[-1] = (found[-1][0], end, what)
        else:
            found.append((begin, end, what))
    return found
