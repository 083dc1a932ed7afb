"""What the entries of a roster do to one another: a post twice, a person twice, an exchange of nothing."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

from services.notification.domain.clock_times import DAY_MINUTES, calendar_date, clock_minutes
from services.notification.domain.roster_slots import planned_turn, shift_post, timeline
from services.notification.domain.roster_state import Roster
from services.notification.domain.roster_turns import turn_minutes
from services.notification.domain.roster_values import DutySlot, Post, Rotation, SlotOrigin
from services.notification.domain.swap_values import SwapState, sides
from services.notification.domain.values import Pathway

#: How far ahead a person is looked for at two posts: past a full turn of every rotation that is in use.
_AHEAD = timedelta(days=92)

#: Path, code, detail.
Found = tuple[str, str, str]


def conflicts(roster: Roster, at: datetime) -> Iterator[Found]:
    """Faults between entries that are each sound by themselves."""
    yield from _mixed(roster)
    yield from _rotations(roster)
    yield from _shifts(roster)
    yield from _swaps(roster)
    yield from _people_twice(roster, at)


def _mixed(roster: Roster) -> Iterator[Found]:
    """Plain duties are all called together: beside turns nobody could say who holds the post."""
    plain = {Post(role=duty.role, step=duty.step, pathway=duty.pathway, seat=0) for duty in roster.duties}
    for index, rotation in enumerate(roster.rotations):
        if replace(rotation.post, seat=0) in plain:
            yield f"rotations[{index}].post", "PLAIN_AND_ROTATING", rotation.post.role
    for index, shift in enumerate(roster.shifts):
        if replace(shift_post(shift), seat=0) in plain:
            yield f"shifts[{index}]", "PLAIN_AND_ROTATING", shift.role


def _rotations(roster: Roster) -> Iterator[Found]:
    for index, rotation in enumerate(roster.rotations):
        for earlier in range(index):
            if _overlap(roster.rotations[earlier], rotation):
                yield f"rotations[{index}]", "ROTATIONS_OVERLAP", f"rotations[{earlier}]"


def _overlap(one: Rotation, other: Rotation) -> bool:
    """Whether two rotations can ever want one post at the same time, whatever the calendar says.

    Any kind of day may follow any other, so a turn over midnight is held against every turn of the next day.
    """
    if one.post != other.post or not _in_force_together(one, other):
        return False
    begin, end = clock_minutes(one.handover) or 0, clock_minutes(other.handover) or 0
    spans = [(begin, begin + turn_minutes(one)), (end, end + turn_minutes(other))]
    same_day = not one.days or not other.days or bool(set(one.days) & set(other.days))
    if same_day and _touch(spans[0], spans[1]):
        return True
    return _touch(spans[0], _next_day(spans[1])) or _touch(_next_day(spans[0]), spans[1])


def _in_force_together(one: Rotation, other: Rotation) -> bool:
    """With a day's room: the last turn of one goes over into the day after."""
    day = timedelta(days=1)
    begins = [calendar_date(each.starts_on) for each in (one, other)]
    ends = [calendar_date(each.ends_on) for each in (one, other)]
    after = ends[0] is not None and begins[1] is not None and ends[0] + day < begins[1]
    before = ends[1] is not None and begins[0] is not None and ends[1] + day < begins[0]
    return not after and not before


def _touch(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _next_day(span: tuple[int, int]) -> tuple[int, int]:
    return (span[0] + DAY_MINUTES, span[1] + DAY_MINUTES)


def _shifts(roster: Roster) -> Iterator[Found]:
    by_post: dict[Post, list[tuple[datetime, datetime, int]]] = defaultdict(list)
    for index, shift in enumerate(roster.shifts):
        if shift.starts_at and shift.ends_at:
            by_post[shift_post(shift)].append((shift.starts_at, shift.ends_at, index))
    for spans in by_post.values():
        spans.sort()
        for before, after in pairwise(spans):
            if after[0] < before[1]:
                yield f"shifts[{after[2]}]", "SHIFTS_OVERLAP", f"shifts[{before[2]}]"


def _swaps(roster: Roster) -> Iterator[Found]:
    taken = {
        (side.post, side.starts_at)
        for each in roster.proposals
        if each.state is SwapState.AGREED
        for side, _ in sides(each)
    }
    for index, swap in enumerate(roster.swaps):
        for name, side in (("first", swap.first), ("second", swap.second)):
            path = f"swaps[{index}].{name}"
            turn = planned_turn(roster, side.post, side.starts_at)
            holder = turn.holder.user if turn and turn.holder else ""
            if turn is None:
                yield path, "NO_SUCH_TURN", side.user
            elif holder != side.user:
                yield f"{path}.user", "ANOTHERS_TURN", holder
            if (side.post, side.starts_at) in taken:
                yield path, "TURN_SWAPPED_TWICE", side.user
            taken.add((side.post, side.starts_at))
        if swap.first.user == swap.second.user:
            yield f"swaps[{index}]", "SWAP_WITH_ONESELF", swap.first.user


def _people_twice(roster: Roster, at: datetime) -> Iterator[Found]:
    """Nobody is their own backup. One person may answer for several roles: small facilities have no other."""
    held: dict[tuple[str, str, Pathway | None], list[DutySlot]] = defaultdict(list)
    for slot in timeline(roster, at, at + _AHEAD):
        # Who stands in for somebody was named in need: it shows as a weak spot, and is no fault.
        if slot.holder is not None and slot.origin is not SlotOrigin.SUBSTITUTE:
            held[slot.holder.user, slot.post.role, slot.post.pathway].append(slot)
    told: set[tuple[str, str]] = set()
    for (user, _, _), slots in held.items():
        until = slots[0]
        for slot in slots[1:]:
            pair = (slot.source, user)
            if slot.starts_at < until.ends_at and slot.post != until.post and pair not in told:
                told.add(pair)
                yield slot.source, "PERSON_TWICE", f"{user}, {until.source}, {slot.starts_at.isoformat()}"
            until = max(until, slot, key=lambda each: each.ends_at)
