"""What the system does by itself: it follows referrals and meets deadlines, and is never refused."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.bed.domain import commands as ask
from services.bed.domain import events as happened
from services.bed.domain import ward
from services.bed.domain.values import BedState
from services.shared.kernel.actor import Role

from .scenario import (
    BED_IN,
    HOUR,
    NOW,
    R1,
    R2,
    REASON,
    described,
    given,
    hold,
    lapse,
    on_road,
    person,
)

LEASE = hold()
MOVING = on_road(LEASE)
HELD = (described(), happened.BedHeld(hold=LEASE))
ON_ROAD = (*HELD, happened.BedHoldInTransit(hold=MOVING))
OVERDUE = (*ON_ROAD, happened.BedHoldOverdue(hold=replace(MOVING, overdue_since=NOW)))


def test_a_new_time_of_arrival_moves_the_end() -> None:
    asked = ask.AdjustHold(referral=R1, expires_at=NOW + 2 * HOUR)
    extended = happened.BedHoldExtended(hold=replace(LEASE, expires_at=NOW + 2 * HOUR))
    given(*HELD).when(asked).then(extended)
    given(*HELD, extended).when(asked).then_nothing()


def test_departure_keeps_the_hold_and_moves_its_end() -> None:
    given(*HELD).when(ask.MarkInTransit(referral=R1)).then(happened.BedHoldInTransit(hold=MOVING))
    given(*HELD).when(ask.MarkInTransit(referral=R1, expires_at=NOW + 2 * HOUR)).then(
        happened.BedHoldInTransit(hold=MOVING),
        happened.BedHoldExtended(hold=replace(MOVING, expires_at=NOW + 2 * HOUR)),
    )
    given(*ON_ROAD).when(ask.MarkInTransit(referral=R1, expires_at=NOW + 2 * HOUR)).then(
        happened.BedHoldExtended(hold=replace(MOVING, expires_at=NOW + 2 * HOUR)),
    )


@pytest.mark.parametrize("history", [HELD, ON_ROAD, OVERDUE])
def test_arrival_makes_the_hold_an_occupancy(history: tuple[ward.Event, ...]) -> None:
    state = (
        given(*history)
        .when(ask.OccupyOnArrival(referral=R1))
        .then(happened.BedOccupied(bed="w-01", hold=LEASE, patient="p-1"))
    )
    assert state.beds[0].state is BedState.OCCUPIED
    assert ward.deadlines(state) == ()


@pytest.mark.parametrize("history", [HELD, ON_ROAD, OVERDUE])
def test_the_end_of_a_referral_frees_its_bed(history: tuple[ward.Event, ...]) -> None:
    outcome = given(*history).when(ask.GiveUpHold(referral=R1, reason=REASON))
    assert outcome.state.beds[0].state is BedState.FREE
    assert [type(event) for event in outcome.events] == [happened.BedReleased]


def test_a_patient_who_lies_in_the_bed_stays_in_it() -> None:
    given(described(), *BED_IN[BedState.OCCUPIED]).when(
        ask.GiveUpHold(referral=R1, reason=REASON)
    ).then_nothing()


@pytest.mark.parametrize(
    "command",
    [
        ask.AdjustHold(referral=R2, expires_at=NOW + HOUR),
        ask.MarkInTransit(referral=R2),
        ask.OccupyOnArrival(referral=R2),
        ask.GiveUpHold(referral=R2, reason=REASON),
    ],
)
def test_a_referral_without_a_bed_here_asks_nothing(command: ward.Command) -> None:
    given(*HELD).when(command).then_nothing()


# Deadlines


def test_a_hold_lapses_at_its_end() -> None:
    before = given(*HELD).state
    assert before is not None
    (deadline,) = ward.deadlines(before)
    assert deadline.due_at == NOW + HOUR
    state = given(*HELD).when(ask.MeetDeadline(key=deadline.key)).then(happened.BedHoldLapsed(hold=LEASE))
    assert state.beds[0].state is BedState.FREE
    assert ward.deadlines(state) == ()


def test_a_deadline_that_was_met_gives_nothing() -> None:
    before = given(*HELD).state
    assert before is not None
    given(*HELD, happened.BedHoldLapsed(hold=LEASE)).when(lapse(before)).then_nothing()


def test_a_deadline_that_fires_while_its_hold_is_extended_gives_nothing() -> None:
    before = given(*HELD).state
    assert before is not None
    extended = happened.BedHoldExtended(hold=replace(LEASE, expires_at=NOW + 2 * HOUR))
    given(*HELD, extended).when(lapse(before)).then_nothing()


def test_the_hold_of_a_patient_on_the_road_alerts_once_and_stays() -> None:
    before = given(*ON_ROAD).state
    assert before is not None
    due = lapse(before)
    late = NOW + HOUR + timedelta(seconds=1)
    overdue = replace(MOVING, overdue_since=late)
    state = given(*ON_ROAD).when(due, at=late).then(happened.BedHoldOverdue(hold=overdue))
    assert state.beds[0].state is BedState.HELD
    assert ward.deadlines(state) == ()
    given(*ON_ROAD, happened.BedHoldOverdue(hold=overdue)).when(due).then_nothing()


def test_an_occupied_bed_has_no_deadline() -> None:
    held = given(*HELD).state
    occupied = given(described(), *BED_IN[BedState.OCCUPIED])
    assert held is not None
    assert occupied.state is not None
    assert ward.deadlines(occupied.state) == ()
    occupied.when(lapse(held)).then_nothing()


@pytest.mark.parametrize(
    "command",
    [
        ask.AdjustHold(referral=R1, expires_at=NOW + HOUR),
        ask.MarkInTransit(referral=R1),
        ask.OccupyOnArrival(referral=R1),
        ask.GiveUpHold(referral=R1, reason=REASON),
        ask.MeetDeadline(key="hold:x"),
    ],
)
def test_only_the_system_reacts(command: ward.Command) -> None:
    everything = tuple(role for role in Role if role is not Role.SYSTEM)
    given(*HELD).when(command, person(*everything)).then_not_permitted("ROLE_NOT_PERMITTED")
