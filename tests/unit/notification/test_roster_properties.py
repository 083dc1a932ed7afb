"""Whatever the roster: a post has one holder at most, no turn is lost, and gaps are what duties leave."""

from datetime import datetime, timedelta
from itertools import pairwise

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notification.domain.roster import Roster
from services.notification.domain.roster_coverage import gaps, single_points
from services.notification.domain.roster_slots import slots_at, timeline
from services.notification.domain.roster_values import (
    DayKind,
    DutySlot,
    Leave,
    Rotation,
    RotationPeriod,
    Swap,
    SwapSide,
)
from services.notification.domain.values import Duty
from tests.unit.notification.scenario import HOSPITAL
from tests.unit.notification.turns import BACKUP, REASON, STROKE, day, local, roster, who

FIRST = local("2026-01-05 00:00")
LAST = FIRST + timedelta(days=6)
USERS = "abcd"
POSTS = st.sampled_from([STROKE, BACKUP])
HOURS = st.integers(-12, 6 * 24)
CLOCK = st.sampled_from(["00:00", "08:00", "17:30", "23:59"])


def moment(hours: int) -> datetime:
    return FIRST + timedelta(hours=hours)


rotations = st.builds(
    Rotation,
    post=POSTS,
    period=st.sampled_from(RotationPeriod),
    people=st.lists(st.sampled_from(USERS), min_size=1, max_size=3).map(lambda users: who(*users)),
    starts_on=st.sampled_from(["2025-12-30", "2026-01-05", "2026-01-07"]),
    ends_on=st.sampled_from(["", "", "2026-01-08"]),
    handover=CLOCK,
    until=st.just("") | CLOCK,
    days=st.lists(st.sampled_from(DayKind), unique=True, max_size=3).map(tuple),
)
shifts = st.builds(
    lambda post, user, begin, length: Duty(
        facility=HOSPITAL,
        role=post.role,
        step=post.step,
        user=user,
        name=user,
        starts_at=moment(begin),
        ends_at=moment(begin + length),
        seat=1,
    ),
    POSTS,
    st.sampled_from(USERS),
    HOURS,
    st.integers(1, 30),
)
leaves = st.builds(
    lambda user, begin, length, substitute: Leave(
        user=user,
        starts_at=moment(begin),
        ends_at=moment(begin + length),
        substitute=who(substitute)[0] if substitute else None,
    ),
    st.sampled_from(USERS),
    HOURS,
    st.integers(1, 50),
    st.none() | st.sampled_from("abcs"),
)
calendars = st.dictionaries(
    st.sampled_from(["2026-01-05", "2026-01-07", "2026-01-10"]), st.sampled_from(DayKind)
).map(lambda table: tuple(day(date, kind) for date, kind in table.items()))


@st.composite
def rosters(draw: st.DrawFn) -> Roster:
    """Rosters that need not be sound: what holds must hold of them too."""
    without_swaps = roster(
        rotations=tuple(draw(st.lists(rotations, max_size=3))),
        shifts=tuple(draw(st.lists(shifts, max_size=3))),
        calendar=draw(calendars),
    )
    turns = [slot for slot in timeline(without_swaps, FIRST, LAST) if slot.holder and slot.planned_at]
    swaps: list[Swap] = []
    if len(turns) > 1:
        for one, other in draw(st.lists(st.tuples(*[st.sampled_from(turns)] * 2), max_size=2)):
            swaps.append(Swap(first=side(one), second=side(other), reason=REASON))
    return roster(
        rotations=without_swaps.rotations,
        shifts=without_swaps.shifts,
        calendar=without_swaps.calendar,
        swaps=tuple(swaps),
        leaves=tuple(draw(st.lists(leaves, max_size=3))),
    )


def side(slot: DutySlot) -> SwapSide:
    assert slot.holder and slot.planned_at
    return SwapSide(post=slot.post, starts_at=slot.planned_at, user=slot.holder.user)


@settings(max_examples=120, deadline=None)
@given(rosters(), st.integers(0, 6 * 24 * 60 - 1))
def test_at_every_moment_a_post_has_at_most_one_holder(state: Roster, minutes: int) -> None:
    posts = [slot.post for slot in slots_at(state, FIRST + timedelta(minutes=minutes))]
    assert len(posts) == len(set(posts))


@settings(max_examples=100, deadline=None)
@given(rosters())
def test_no_turn_is_lost(state: Roster) -> None:
    """What rotations and shifts hold stays somebody's, or says who is away, whatever is exchanged or off."""
    bare = roster(rotations=state.rotations, shifts=state.shifts, calendar=state.calendar)
    edges = {edge for leave in state.leaves for edge in (leave.starts_at, leave.ends_at)}
    edges |= {edge for slot in timeline(bare, FIRST, LAST) for edge in (slot.starts_at, slot.ends_at)}
    for at in sorted(edges):
        found = slots_at(state, at)
        assert {slot.post for slot in found} == {slot.post for slot in slots_at(bare, at)}
        assert all(slot.holder is not None or slot.absent for slot in found)


@settings(max_examples=100, deadline=None)
@given(rosters(), st.integers(0, 6 * 24 * 60 - 1))
def test_nobody_who_is_away_has_a_post(state: Roster, minutes: int) -> None:
    at = FIRST + timedelta(minutes=minutes)
    away = {leave.user for leave in state.leaves if leave.starts_at <= at < leave.ends_at}
    assert not [slot for slot in slots_at(state, at) if slot.holder and slot.holder.user in away]


@settings(max_examples=100, deadline=None)
@given(rosters(), st.integers(0, 6 * 24 * 60 - 1))
def test_gaps_are_what_the_duties_leave(state: Roster, minutes: int) -> None:
    at = FIRST + timedelta(minutes=minutes)
    held = {slot.post for slot in slots_at(state, at) if slot.holder}
    missing = {rotation.post for rotation in state.rotations} - held
    assert {gap.post for gap in gaps(state, FIRST, LAST) if gap.starts_at <= at < gap.ends_at} == missing


@settings(max_examples=80, deadline=None)
@given(rosters())
def test_gaps_of_a_post_are_apart_and_within_the_period(state: Roster) -> None:
    found = gaps(state, FIRST, LAST)
    for post in {gap.post for gap in found}:
        spans = sorted((gap.starts_at, gap.ends_at) for gap in found if gap.post == post)
        assert all(FIRST <= begin < end <= LAST for begin, end in spans)
        assert all(before[1] < after[0] for before, after in pairwise(spans))


@settings(max_examples=80, deadline=None)
@given(rosters(), st.integers(0, 6 * 24 * 60 - 1))
def test_a_weak_spot_is_where_one_person_answers_alone(state: Roster, minutes: int) -> None:
    at = FIRST + timedelta(minutes=minutes)
    present = {slot.holder.user for slot in slots_at(state, at) if slot.holder}
    alone = [
        point.user
        for point in single_points(state, FIRST, LAST)
        if point.kind == "NO_BACKUP" and point.starts_at <= at < point.ends_at
    ]
    assert alone == (sorted(present) if len(present) == 1 else [])


@settings(max_examples=60, deadline=None)
@given(rosters())
def test_a_period_is_what_its_moments_are(state: Roster) -> None:
    slots = timeline(state, FIRST, LAST)
    for slot in slots[:10]:
        middle = slot.starts_at + (slot.ends_at - slot.starts_at) / 2
        assert [each.holder for each in slots_at(state, middle) if each.post == slot.post] == [slot.holder]


@settings(max_examples=40, deadline=None)
@given(rosters())
def test_a_snapshot_reads_back(state: Roster) -> None:
    snapshot = msgspec.msgpack.encode(state)
    assert msgspec.msgpack.decode(snapshot, type=Roster) == state
