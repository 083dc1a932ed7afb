"""Who holds which post when: rotations, shifts over them, exchanges, absences. A pure function of the roster.

At every moment a post has at most one holder, and no turn is lost: it is somebody's, or it says who is away.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from services.notification.domain.roster_calendar import WorkCalendar
from services.notification.domain.roster_state import (
    ANY_ROLE,
    Roster,
    offset_minutes,
    people,
    recipient,
)
from services.notification.domain.roster_turns import Span, turns
from services.notification.domain.roster_values import (
    DutySlot,
    Leave,
    Post,
    SlotOrigin,
)
from services.notification.domain.swap_values import SwapState, sides
from services.notification.domain.values import Duty, DutyStep, Pathway, Recipient

#: No turn is longer.
_TURN_MAX = timedelta(days=1)

#: The shortest stretch: what is asked of a moment is asked of this much.
MOMENT = timedelta(microseconds=1)


def timeline(
    roster: Roster, first: datetime, last: datetime, *, roles: Collection[str] | None = None
) -> tuple[DutySlot, ...]:
    """All slots that touch a period, by beginning and post; `roles` are all when left out.

    A slot has its whole length; plain duties without a beginning or end are cut to the period.
    """
    planned = [*_seated(roster, first, last, roles), *_standing(roster, first, last, roles)]
    exchanged = _exchanged(roster, planned)
    found = [
        slot
        for slot in _absences_applied(roster, exchanged)
        if slot.starts_at < last and slot.ends_at > first
    ]
    return tuple(sorted(found, key=slot_order))


def slot_order(slot: DutySlot) -> tuple[datetime, str, str, str, int]:
    """By beginning, then by post: no two slots of a roster have the same place."""
    post = slot.post
    return (slot.starts_at, post.role, post.pathway or "", post.step, post.seat)


def slots_at(roster: Roster, at: datetime, roles: Collection[str] | None = None) -> tuple[DutySlot, ...]:
    """The slots of a moment."""
    return timeline(roster, at, at + MOMENT, roles=roles)


def on_duty(
    roster: Roster | None, role: str, step: str, at: datetime, pathway: Pathway | None = None
) -> tuple[Recipient, ...]:
    """Who is on duty for a role at a moment, in the roster's order, nobody twice.

    Posts of the pathway itself go before those of every pathway; those of another pathway answer where no
    pathway is known. Where the role names nobody for the step, those whose role is `*`. No roster has nobody.
    """
    if roster is None:
        return ()
    present = [slot for slot in slots_at(roster, at, (role, ANY_ROLE)) if slot.post.step == step]
    for wanted in (role, ANY_ROLE):
        of_role = [slot for slot in present if slot.holder is not None and slot.post.role == wanted]
        of_pathway = [slot for slot in of_role if slot.post.pathway == pathway]
        others = [slot for slot in of_role if slot.post.pathway is None or pathway is None]
        slots = of_pathway if pathway and of_pathway else others
        found: dict[str, Recipient] = {}
        for slot in sorted(slots, key=lambda each: each.post.seat):
            if slot.holder is not None:
                found.setdefault(slot.holder.user, slot.holder)
        if found:
            return tuple(found.values())
    return ()


def leads(roster: Roster, user: str, at: datetime) -> bool:
    """Whether the person is the lead on duty of any role at a moment."""
    return any(
        slot.holder is not None and slot.holder.user == user and slot.post.step == DutyStep.LEAD
        for slot in slots_at(roster, at)
    )


def planned_turn(roster: Roster, post: Post, starts_at: datetime) -> DutySlot | None:
    """The turn of a post that begins at a moment, before any exchange and absence; None without one."""
    for slot in _seated(roster, starts_at, starts_at + MOMENT, (post.role,)):
        if slot.post == post and slot.planned_at == starts_at:
            return slot
    return None


def shift_post(duty: Duty) -> Post:
    """The post of an explicit shift; without a seat it is the first."""
    return Post(role=duty.role, step=duty.step, pathway=duty.pathway, seat=duty.seat or 1)


def without(span: Span, taken: Iterable[Span]) -> tuple[Span, ...]:
    """What is left of a span, in order."""
    left: list[Span] = []
    begin, end = span
    for other_begin, other_end in sorted(taken):
        if other_end <= begin or other_begin >= end:
            continue
        if other_begin > begin:
            left.append((begin, other_begin))
        begin = max(begin, other_end)
    return (*left, (begin, end)) if begin < end else tuple(left)


def _seated(roster: Roster, first: datetime, last: datetime, roles: Collection[str] | None) -> list[DutySlot]:
    """Shifts, and what they leave of the rotations; whoever comes first in the roster has the post.

    A turn that touches the period is cut by what lies a day outside of it too: its length is the same
    whichever period is asked for.
    """
    first, last = first - _TURN_MAX, last + _TURN_MAX
    taken: dict[Post, list[Span]] = defaultdict(list)
    found: list[DutySlot] = []
    for slot in (*_shifts(roster, first, last), *_turns(roster, first, last, roles)):
        if roles is not None and slot.post.role not in roles:
            continue
        for begin, end in without((slot.starts_at, slot.ends_at), taken[slot.post]):
            found.append(replace(slot, starts_at=begin, ends_at=end))
            taken[slot.post].append((begin, end))
    return found


def _shifts(roster: Roster, first: datetime, last: datetime) -> Iterator[DutySlot]:
    for index, duty in enumerate(roster.shifts):
        begin, end = duty.starts_at, duty.ends_at
        if begin is not None and end is not None and begin < last and end > first and begin < end:
            yield DutySlot(
                post=shift_post(duty),
                starts_at=begin,
                ends_at=end,
                holder=recipient(duty),
                origin=SlotOrigin.SHIFT,
                planned_at=begin,
                source=f"shifts[{index}]",
            )


def _turns(
    roster: Roster, first: datetime, last: datetime, roles: Collection[str] | None
) -> Iterator[DutySlot]:
    calendar = WorkCalendar(roster.special_days)
    for index, rotation in enumerate(roster.rotations):
        if roles is None or rotation.post.role in roles:
            yield from turns(
                rotation,
                calendar,
                offset_minutes(roster),
                first=first,
                last=last,
                source=f"rotations[{index}]",
            )


def _standing(
    roster: Roster, first: datetime, last: datetime, roles: Collection[str] | None
) -> Iterator[DutySlot]:
    """Plain duties: each has a seat of its own, so that several may be called together."""
    seats: dict[Post, int] = defaultdict(int)
    for index, duty in enumerate(roster.duties):
        post = Post(role=duty.role, step=duty.step, pathway=duty.pathway, seat=0)
        seats[post] += 1
        begin, end = duty.starts_at or first, duty.ends_at or last
        if (roles is None or duty.role in roles) and begin < last and end > first and begin < end:
            yield DutySlot(
                post=replace(post, seat=seats[post]),
                starts_at=begin,
                ends_at=end,
                holder=recipient(duty),
                origin=SlotOrigin.STANDING,
                source=f"duties[{index}]",
            )


def _exchanged(roster: Roster, planned: Iterable[DutySlot]) -> Iterator[DutySlot]:
    """A swap moves a turn only while it is still planned for whom the swap took it from."""
    agreed = [each for each in roster.proposals if each.state is SwapState.AGREED]
    if not roster.swaps and not agreed:
        yield from planned
        return
    known = people(roster)
    moves: dict[tuple[Post, datetime], tuple[str, str]] = {}
    for proposal in agreed:
        for side, taker in sides(proposal):
            moves[side.post, side.starts_at] = (side.user, taker)
    for swap in roster.swaps:
        moves[swap.first.post, swap.first.starts_at] = (swap.first.user, swap.second.user)
        moves[swap.second.post, swap.second.starts_at] = (swap.second.user, swap.first.user)
    for slot in planned:
        move = moves.get((slot.post, slot.planned_at)) if slot.planned_at else None
        if move and slot.holder and slot.holder.user == move[0] and move[1] in known:
            yield replace(slot, holder=known[move[1]], origin=SlotOrigin.SWAP)
        else:
            yield slot


def _absences_applied(roster: Roster, slots: Iterable[DutySlot]) -> Iterator[DutySlot]:
    if not roster.leaves:
        yield from slots
        return
    away: dict[str, list[Leave]] = defaultdict(list)
    for leave in roster.leaves:
        away[leave.user].append(leave)
    for slot in slots:
        yield from _without_absent(slot, away, frozenset())


def _without_absent(
    slot: DutySlot, away: dict[str, list[Leave]], passed: frozenset[str]
) -> Iterator[DutySlot]:
    """The slot in parts. `passed` are those who are away too: nobody is asked twice, so there is an end."""
    holder = slot.holder
    leaves = () if holder is None else away.get(holder.user, ())
    leave = min(
        (each for each in leaves if each.starts_at < slot.ends_at and each.ends_at > slot.starts_at),
        key=lambda each: each.starts_at,
        default=None,
    )
    if leave is None or holder is None:
        yield slot
        return
    begin, end = max(slot.starts_at, leave.starts_at), min(slot.ends_at, leave.ends_at)
    if slot.starts_at < begin:
        yield replace(slot, ends_at=begin)
    during = replace(slot, starts_at=begin, ends_at=end, absent=slot.absent or holder.user)
    substitute = leave.substitute
    if substitute is None or substitute.user in passed | {holder.user}:
        yield replace(during, holder=None)
    else:
        stands_in = replace(during, holder=substitute, origin=SlotOrigin.SUBSTITUTE)
        yield from _without_absent(stands_in, away, passed | {holder.user})
    if end < slot.ends_at:
        yield from _without_absent(replace(slot, starts_at=end), away, passed)
