"""Who lies where, and which beds are out of use."""

from dataclasses import replace

import pytest

from services.bed.domain import commands as ask
from services.bed.domain import events as happened
from services.bed.domain import ward
from services.bed.domain.values import BedState, CodedReason, WardCounts
from services.shared.kernel.actor import Role

from .scenario import (
    BED_IN,
    HOUR,
    NOW,
    R2,
    SYSTEM,
    counts,
    described,
    fold,
    given,
    hold,
    on_road,
    person,
)

LEASE = hold()
HELD = (described(), happened.BedHeld(hold=LEASE))
OCCUPIED = (described(), *BED_IN[BedState.OCCUPIED])
WALK_IN = happened.BedOccupied(bed="w-02", patient="p-9")
BROKEN = CodedReason(code="BROKEN", text="呼叫器故障")


def test_a_hold_becomes_an_occupancy_that_is_not_on_the_road_any_more() -> None:
    asked = ask.OccupyBed(ward="w", hold=LEASE.name, fencing_token=1)
    moving = happened.BedHoldInTransit(hold=on_road(LEASE))
    state = given(*HELD, moving).when(asked).then(happened.BedOccupied(bed="w-01", hold=LEASE, patient="p-1"))
    bed = state.beds[0]
    assert (bed.state, bed.hold, bed.patient) == (BedState.OCCUPIED, LEASE, "p-1")


def test_an_occupancy_of_a_hold_may_repeat_what_the_hold_says_and_nothing_else() -> None:
    asked = ask.OccupyBed(ward="w", hold=LEASE.name, fencing_token=1, bed="w-01", patient="p-1")
    assert given(*HELD).when(asked).events
    given(*HELD).when(replace(asked, bed="w-02", patient="p-7")).then_invalid(
        "bed NOT_OF_HOLD", "patient NOT_OF_HOLD"
    )


def test_a_hold_is_occupied_once() -> None:
    asked = ask.OccupyBed(ward="w", hold=LEASE.name, fencing_token=1)
    given(*OCCUPIED).when(asked).then_refused("BED_STATE")


def test_a_patient_without_a_referral_takes_a_free_bed() -> None:
    state = given(described()).when(ask.OccupyBed(ward="w", bed="w-02", patient="p-9")).then(WALK_IN)
    bed = state.beds[1]
    assert (bed.state, bed.hold, bed.patient) == (BedState.OCCUPIED, None, "p-9")
    assert state.counts == counts(free=2, occupied=1)


def test_a_patient_without_a_referral_needs_a_bed_and_a_name() -> None:
    given(described()).when(ask.OccupyBed(ward="w")).then_invalid("bed REQUIRED", "patient REQUIRED")


def test_a_patient_without_a_referral_is_named_by_a_pseudonym() -> None:
    asked = ask.OccupyBed(ward="w", bed="w-02", patient="张三 13812345678")
    given(described()).when(asked).then_invalid("patient NOT_A_PSEUDONYM")


def test_a_held_bed_is_for_its_hold_alone() -> None:
    asked = ask.OccupyBed(ward="w", bed="w-01", patient="p-9")
    refused = given(*HELD).when(asked).then_refused("BED_PROMISED")
    assert refused.failed_rules[0].text.zh == "w-01床已为其他转诊预留，须凭预留入住"


@pytest.mark.parametrize("source", [BedState.OCCUPIED, BedState.CLEANING, BedState.BLOCKED])
def test_a_bed_that_is_not_free_takes_nobody(source: BedState) -> None:
    given(described(), *BED_IN[source]).when(ask.OccupyBed(ward="w", bed="w-01", patient="p-8")).then_refused(
        "BED_STATE"
    )


def test_a_patient_lies_in_one_bed() -> None:
    start = given(described(), WALK_IN)
    refused = start.when(ask.OccupyBed(ward="w", bed="w-01", patient="p-9")).then_refused("PATIENT_HAS_BED")
    assert refused.failed_rules[0].text.en == "the patient already has bed w-02 of this ward"
    start.when(ask.OccupyBed(ward="w", bed="w-02", patient="p-9")).then_refused(
        "BED_STATE", "PATIENT_HAS_BED"
    )


def test_a_bed_is_vacated() -> None:
    state = (
        given(*OCCUPIED)
        .when(ask.VacateBed(ward="w", bed="w-01"))
        .then(happened.BedVacated(bed="w-01", patient="p-1", referral=LEASE.referral))
    )
    bed = state.beds[0]
    assert (bed.state, bed.hold, bed.patient) == (BedState.CLEANING, None, "")
    given(described(), WALK_IN).when(ask.VacateBed(ward="w", bed="w-02")).then(
        happened.BedVacated(bed="w-02", patient="p-9")
    )


def test_a_clean_bed_is_free() -> None:
    history = (described(), *BED_IN[BedState.CLEANING])
    state = (
        given(*history).when(ask.MarkBedReady(ward="w", bed="w-01")).then(happened.BedMarkedReady(bed="w-01"))
    )
    assert state.beds[0].state is BedState.FREE


# Transfer


def test_an_occupant_moves_with_the_hold_in_one_step() -> None:
    moved = replace(LEASE, bed="w-03")
    state = (
        given(*OCCUPIED)
        .when(ask.TransferBed(ward="w", from_bed="w-01", to_bed="w-03"))
        .then(happened.BedTransferred(from_bed="w-01", to_bed="w-03", hold=moved, patient="p-1"))
    )
    assert [(bed.id, bed.state) for bed in state.beds] == [
        ("w-01", BedState.CLEANING),
        ("w-02", BedState.FREE),
        ("w-03", BedState.OCCUPIED),
    ]
    assert (state.beds[0].hold, state.beds[0].patient) == (None, "")
    assert (state.beds[2].hold, state.beds[2].patient) == (moved, "p-1")


def test_a_patient_without_a_referral_moves_too() -> None:
    state = (
        given(described(), WALK_IN)
        .when(ask.TransferBed(ward="w", from_bed="w-02", to_bed="w-01"))
        .then(happened.BedTransferred(from_bed="w-02", to_bed="w-01", patient="p-9"))
    )
    assert state.beds[0].patient == "p-9"


def test_a_transfer_needs_an_occupant_and_a_free_bed_and_says_both() -> None:
    move = ask.TransferBed(ward="w", from_bed="w-01", to_bed="w-02")
    given(described()).when(move).then_refused("BED_STATE")
    given(*OCCUPIED, WALK_IN).when(move).then_refused("BED_STATE")
    refused = given(*HELD, WALK_IN).when(move).then_refused("BED_STATE", "BED_STATE")
    assert refused.resource_name == "wards/w/beds/w-01"
    assert [rule.text.zh for rule in refused.failed_rules] == [
        "w-01床当前已预留，不能由此转出",
        "w-02床当前占用，不能转入此床",
    ]
    held = happened.BedHeld(hold=hold(bed="w-02", referral=R2))
    given(described(), *BED_IN[BedState.OCCUPIED], held).when(move).then_refused("BED_STATE")


def test_a_transfer_is_to_another_bed() -> None:
    given(*OCCUPIED).when(ask.TransferBed(ward="w", from_bed="w-01", to_bed="w-01")).then_invalid(
        "to_bed SAME_BED"
    )


# Block


def test_a_bed_is_blocked_with_a_reason_and_an_end() -> None:
    asked = ask.BlockBed(ward="w", bed="w-01", reason=BROKEN, blocked_until=NOW + HOUR)
    state = (
        given(described())
        .when(asked)
        .then(happened.BedBlocked(bed="w-01", reason=BROKEN, blocked_until=NOW + HOUR))
    )
    bed = state.beds[0]
    assert (bed.state, bed.block_reason, bed.blocked_until) == (BedState.BLOCKED, BROKEN, NOW + HOUR)
    assert [deadline.due_at for deadline in ward.deadlines(state)] == [NOW + HOUR]


def test_a_bed_is_not_blocked_until_before() -> None:
    asked = ask.BlockBed(ward="w", bed="w-01", reason=BROKEN, blocked_until=NOW)
    given(described()).when(asked).then_invalid("blocked_until BEFORE_START")


def test_a_bed_is_unblocked() -> None:
    history = (described(), *BED_IN[BedState.BLOCKED])
    state = given(*history).when(ask.UnblockBed(ward="w", bed="w-01")).then(happened.BedUnblocked(bed="w-01"))
    assert (state.beds[0].state, state.beds[0].block_reason) == (BedState.FREE, None)


# Counts


def test_each_bed_is_counted_where_it_stands() -> None:
    expected = {
        BedState.FREE: counts(free=3),
        BedState.HELD: counts(free=2, held=1),
        BedState.OCCUPIED: counts(free=2, occupied=1),
        BedState.CLEANING: counts(free=2, cleaning=1),
        BedState.BLOCKED: counts(free=2, blocked=1),
    }
    for source, events in BED_IN.items():
        assert fold(described(), *events).counts == expected[source]


def test_the_ward_confirms_its_counts() -> None:
    state = given(*HELD).when(ask.ConfirmCounts(ward="w", counts=counts(free=2, held=1)), at=NOW + HOUR)
    assert state.events == (happened.CountsConfirmed(ward_counts=counts(free=2, held=1), differs=False),)


def test_confirmation_moves_forward_alone() -> None:
    shown = counts(free=3)
    first = given(described()).when(ask.ConfirmCounts(ward="w", counts=shown))
    assert first.state.confirmed_at == NOW
    confirmed = (described(), *first.events)
    late = given(*confirmed).when(ask.ConfirmCounts(ward="w", counts=shown), at=NOW - HOUR)
    assert late.state.confirmed_at == NOW


def test_counts_that_differ_are_said_to_and_confirm_nothing() -> None:
    state = (
        given(described())
        .when(ask.ConfirmCounts(ward="w", counts=counts(free=2, occupied=1)))
        .then(happened.CountsConfirmed(ward_counts=counts(free=2, occupied=1), differs=True))
    )
    assert state.confirmed_at is None
    assert state.counts == counts(free=3)


def test_counts_add_up_and_are_not_negative() -> None:
    given(described()).when(ask.ConfirmCounts(ward="w", counts=WardCounts(beds=3, free=2))).then_invalid(
        "counts.beds DOES_NOT_ADD_UP"
    )
    wrong = WardCounts(beds=1, free=-1, held=2)
    given(described()).when(ask.ConfirmCounts(ward="w", counts=wrong)).then_invalid("counts.free NEGATIVE")


# Who, and what there is not

COMMANDS: list[ward.Command] = [
    ask.OccupyBed(ward="w", bed="w-09", patient="p-9"),
    ask.VacateBed(ward="w", bed="w-09"),
    ask.MarkBedReady(ward="w", bed="w-09"),
    ask.TransferBed(ward="w", from_bed="w-09", to_bed="w-01"),
    ask.BlockBed(ward="w", bed="w-09", reason=BROKEN),
    ask.UnblockBed(ward="w", bed="w-09"),
]
CONFIRM = ask.ConfirmCounts(ward="w", counts=counts(free=3))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_bed_that_the_ward_has_not_is_not_found(command: ward.Command) -> None:
    given(described()).when(command).then_not_found("Bed", "wards/w/beds/w-09")


@pytest.mark.parametrize("command", [*COMMANDS, CONFIRM])
def test_a_ward_that_is_not_there_is_not_found(command: ward.Command) -> None:
    given().when(command).then_not_found("Ward", "wards/w")


@pytest.mark.parametrize("command", [*COMMANDS, CONFIRM])
def test_only_the_ward_says_who_lies_where(command: ward.Command) -> None:
    start = given(described())
    for role in (Role.BED_DESK, Role.CLINICIAN):
        start.when(command, person(role, facility="wucaiwan")).then_not_permitted("OTHER_FACILITY")
    for role in (Role.REFERRAL_OFFICE, Role.AMBULANCE, Role.COORDINATOR, Role.OPERATOR):
        start.when(command, person(role)).then_not_permitted("ROLE_NOT_PERMITTED")
    start.when(command, SYSTEM).then_not_permitted("ROLE_NOT_PERMITTED")


@pytest.mark.parametrize("role", [Role.BED_DESK, Role.CLINICIAN])
def test_the_wards_bed_desk_and_clinicians_do(role: Role) -> None:
    assert given(described()).when(ask.OccupyBed(ward="w", bed="w-01", patient="p"), person(role)).events
    assert given(described()).when(CONFIRM, person(role)).events
