"""Holds: taken once a referral, bounded, fenced."""

from dataclasses import replace
from typing import Any

import pytest

from services.bed.domain import commands as ask
from services.bed.domain import events as happened
from services.bed.domain import ward
from services.bed.domain.values import BedConstraints, BedState, BedType
from services.shared.kernel.actor import Role

from .scenario import (
    BED_IN,
    HOSPITAL,
    HOUR,
    NOW,
    R1,
    R2,
    R3,
    REASON,
    SYSTEM,
    counts,
    described,
    given,
    hold,
    hold_bed,
    on_road,
    person,
)

LEASE = hold()
HELD = happened.BedHeld(hold=LEASE)


def test_the_first_bed_that_fits_is_held() -> None:
    state = given(described()).when(hold_bed()).then(HELD)
    bed = state.beds[0]
    assert (bed.state, bed.hold, bed.patient) == (BedState.HELD, LEASE, "p-1")
    assert state.counts == counts(free=2, held=1)
    assert (state.version, state.next_token) == (2, 2)


@pytest.mark.parametrize("source", [BedState.HELD, BedState.OCCUPIED])
def test_a_referral_that_has_a_bed_here_gets_no_other(source: BedState) -> None:
    given(described(), *BED_IN[source]).when(hold_bed(expires_at=NOW + 5 * HOUR)).then_nothing()


def test_a_hold_begins_when_it_is_recorded_however_late_that_is() -> None:
    state = given(described()).when(hold_bed(expires_at=NOW + 4 * HOUR), recorded_at=NOW + 3 * HOUR).state
    assert state.beds[0].hold is not None
    assert state.beds[0].hold.held_at == NOW + 3 * HOUR


def test_a_full_ward_refuses() -> None:
    refused = given(described(1), HELD).when(hold_bed(R2)).then_refused("NO_FREE_BED")
    assert (refused.state, refused.resource_name) == ("FULL", "wards/w")
    assert refused.failed_rules[0].text.zh == "暂无适合该患者的空闲卒中单元病床"
    assert "HoldBed" not in refused.allowed_commands


def test_a_ward_whose_beds_can_never_take_the_patient_refuses() -> None:
    only_women = described(1, w_01=BedConstraints(sex="F"))
    refused = given(only_women).when(hold_bed(sex="M")).then_refused("NO_SUITABLE_WARD")
    assert refused.state == "OPEN"


@pytest.mark.parametrize("wrong", [{"facility": "other"}, {"bed_type": BedType.ICU}])
def test_a_ward_that_was_not_asked_for_has_no_bed(wrong: dict[str, Any]) -> None:
    given(described()).when(hold_bed(**wrong)).then_refused("NO_SUITABLE_WARD")


def test_that_there_is_no_bed_is_an_event_where_nobody_waits() -> None:
    asked = hold_bed(R2, record_refusal=True)
    state = (
        given(described(1), HELD)
        .when(asked, SYSTEM)
        .then(
            happened.BedUnavailable(
                referral=R2,
                patient="p-2",
                facility=HOSPITAL,
                bed_type=BedType.STROKE_UNIT,
                reason="NO_FREE_BED",
            )
        )
    )
    assert (state.version, state.counts) == (3, counts(held=1))


def test_an_end_in_the_past_is_refused_to_people() -> None:
    given(described()).when(hold_bed(expires_at=NOW)).then_invalid("expires_at NOT_IN_FUTURE")
    given(described()).when(hold_bed(), recorded_at=NOW + 2 * HOUR).then_invalid("expires_at NOT_IN_FUTURE")


def test_the_system_holds_what_was_promised_while_it_was_away() -> None:
    lease = replace(LEASE, expires_at=NOW - HOUR)
    state = (
        given(described()).when(hold_bed(expires_at=NOW - HOUR), SYSTEM).then(happened.BedHeld(hold=lease))
    )
    assert ward.deadlines(state)[0].due_at == NOW - HOUR


def test_tokens_grow_with_each_hold_of_the_ward() -> None:
    released = happened.BedReleased(hold=LEASE, reason=REASON)
    state = given(described(), HELD, released).when(hold_bed(R2)).state
    assert state.beds[0].hold is not None
    assert state.beds[0].hold.fencing_token == 2


# Extend


def test_a_hold_is_extended() -> None:
    later = happened.BedHoldExtended(hold=replace(LEASE, expires_at=NOW + 3 * HOUR))
    asked = ask.ExtendHold(hold=LEASE.name, fencing_token=1, expires_at=NOW + 3 * HOUR)
    state = given(described(), HELD).when(asked).then(later)
    assert state.beds[0].hold == later.hold


def test_an_end_that_stays_changes_nothing() -> None:
    asked = ask.ExtendHold(hold=LEASE.name, fencing_token=1, expires_at=LEASE.expires_at)
    given(described(), HELD).when(asked).then_nothing()


def test_a_hold_is_not_extended_into_the_past() -> None:
    asked = ask.ExtendHold(hold=LEASE.name, fencing_token=1, expires_at=NOW - HOUR)
    given(described(), HELD).when(asked).then_invalid("expires_at NOT_IN_FUTURE")


def test_an_overdue_hold_that_is_extended_will_alert_again() -> None:
    overdue = replace(on_road(LEASE), overdue_since=NOW)
    asked = ask.ExtendHold(hold=LEASE.name, fencing_token=1, expires_at=NOW + 3 * HOUR)
    history = (
        described(),
        HELD,
        happened.BedHoldInTransit(hold=on_road(LEASE)),
        happened.BedHoldOverdue(hold=overdue),
    )
    before = given(*history).state
    assert before is not None
    assert ward.deadlines(before) == ()
    state = given(*history).when(asked).state
    assert [deadline.due_at for deadline in ward.deadlines(state)] == [NOW + 3 * HOUR]


# Release


def test_a_hold_is_released() -> None:
    asked = ask.ReleaseHold(hold=LEASE.name, fencing_token=1, reason=REASON)
    state = given(described(), HELD).when(asked).then(happened.BedReleased(hold=LEASE, reason=REASON))
    bed = state.beds[0]
    assert (bed.state, bed.hold, bed.patient) == (BedState.FREE, None, "")


def test_the_bed_desk_may_release_the_hold_of_a_patient_on_the_road() -> None:
    moving = on_road(LEASE)
    asked = ask.ReleaseHold(hold=LEASE.name, fencing_token=1, reason=REASON)
    given(described(), HELD, happened.BedHoldInTransit(hold=moving)).when(asked).then(
        happened.BedReleased(hold=moving, reason=REASON)
    )


# Fencing

SECOND = hold(referral=R2, token=2)
AFTER_ANOTHER = (
    described(),
    HELD,
    happened.BedHoldLapsed(hold=LEASE),
    happened.BedHeld(hold=SECOND),
)


def test_the_token_of_a_hold_that_has_ended_is_refused_with_the_current_one() -> None:
    asked = ask.ReleaseHold(hold=LEASE.name, fencing_token=1, reason=REASON)
    refused = given(*AFTER_ANOTHER).when(asked).then_refused("HOLD_NOT_OPEN", "STALE_FENCING_TOKEN")
    assert refused.failed_rules[1].text.en == "fencing token 1 is stale; the current one is 2"
    assert refused.resource_name == LEASE.name


def test_an_old_token_is_refused_though_the_hold_is_open() -> None:
    asked = ask.ExtendHold(hold=SECOND.name, fencing_token=1, expires_at=NOW + 2 * HOUR)
    refused = given(*AFTER_ANOTHER).when(asked).then_refused("STALE_FENCING_TOKEN")
    assert "2" in refused.failed_rules[0].text.zh
    assert refused.state == "HELD"


def test_a_token_that_was_never_given_is_refused() -> None:
    asked = ask.OccupyBed(ward="w", hold=SECOND.name, fencing_token=3)
    refused = given(*AFTER_ANOTHER).when(asked).then_refused("UNKNOWN_FENCING_TOKEN")
    assert refused.failed_rules[0].text.en == (
        "fencing token 3 was not given to this hold; the current one is 2"
    )


def test_a_hold_that_has_ended_is_refused_though_no_other_followed() -> None:
    ended = (described(), HELD, happened.BedHoldLapsed(hold=LEASE))
    asked = ask.OccupyBed(ward="w", hold=LEASE.name, fencing_token=1)
    given(*ended).when(asked).then_refused("HOLD_NOT_OPEN")


def test_all_that_fails_is_said_at_once() -> None:
    occupied = happened.BedOccupied(bed="w-01", hold=SECOND, patient="p-2")
    asked = ask.ReleaseHold(hold=SECOND.name, fencing_token=1, reason=REASON)
    given(*AFTER_ANOTHER, occupied).when(asked).then_refused("BED_STATE", "STALE_FENCING_TOKEN")


# Who


@pytest.mark.parametrize("role", [Role.BED_DESK, Role.CLINICIAN, Role.REFERRAL_OFFICE])
def test_the_wards_own_people_hold_extend_and_release(role: Role) -> None:
    by = person(role)
    assert given(described()).when(hold_bed(), by).events
    assert (
        given(described(), HELD)
        .when(ask.ExtendHold(hold=LEASE.name, fencing_token=1, expires_at=NOW + 3 * HOUR), by)
        .events
    )
    assert (
        given(described(), HELD)
        .when(ask.ReleaseHold(hold=LEASE.name, fencing_token=1, reason=REASON), by)
        .events
    )


def test_another_facility_does_not_reach_into_a_ward() -> None:
    for role in (Role.BED_DESK, Role.CLINICIAN, Role.REFERRAL_OFFICE):
        given(described()).when(hold_bed(R3), person(role, facility="wucaiwan")).then_not_permitted(
            "OTHER_FACILITY"
        )


@pytest.mark.parametrize("role", [Role.AMBULANCE, Role.COORDINATOR, Role.OPERATOR])
def test_other_roles_hold_no_beds(role: Role) -> None:
    given(described()).when(hold_bed(), person(role)).then_not_permitted("ROLE_NOT_PERMITTED")


def test_without_a_ward_there_is_nothing_to_hold_or_release() -> None:
    given().when(hold_bed(R1)).then_not_found("Ward", "")
    given().when(ask.ReleaseHold(hold=LEASE.name, fencing_token=1, reason=REASON)).then_not_found(
        "Hold", LEASE.name
    )
