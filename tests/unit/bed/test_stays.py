"""A hospital system's view: admissions, transfers and discharges; and the beds kept for referrals."""

from typing import Any

import pytest

from services.bed.domain import commands as ask
from services.bed.domain import events as happened
from services.bed.domain.state import bed_of_encounter
from services.bed.domain.values import BedConstraints, BedState, BedType, CodedReason
from services.shared.kernel.actor import Role
from services.shared.kernel.ids import derive_id
from services.shared.kernel.refusals import InvalidInput, NotAllowed, NotFound, NotPermitted, Refused

from .facility import TYPE, Facility, referral
from .scenario import person

SHOCK = CodedReason(code="SHOCK")


async def refusal(coroutine: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        await coroutine
    return caught.value


async def codes(coroutine: Any) -> list[str]:
    refused = await refusal(coroutine)
    assert isinstance(refused, NotAllowed), refused
    return [rule.code for rule in refused.failed_rules]


async def fields(coroutine: Any) -> list[str]:
    refused = await refusal(coroutine)
    assert isinstance(refused, InvalidInput), refused
    return [f"{violation.field} {violation.reason}" for violation in refused.violations]


@pytest.fixture
async def facility() -> Facility:
    facility = Facility()
    await facility.apply("w", 2)
    await facility.apply("x", [BedConstraints(sex="F"), BedConstraints()])
    return facility


def lies(facility: Facility, encounter: str) -> tuple[str, str] | None:
    for ward in facility.wards():
        bed = bed_of_encounter(ward, encounter)
        if bed is not None:
            assert bed.state is BedState.OCCUPIED
            return ward.id, bed.id
    return None


# Admissions


async def test_a_patient_goes_to_the_bed_that_is_named(facility: Facility) -> None:
    await facility.admit("p-1", "e-1", ward="w", bed="w-2")
    assert lies(facility, "e-1") == ("w", "w-2")
    assert facility.ward_events("w")[-1] == happened.BedOccupied(bed="w-2", patient="p-1", encounter="e-1")


async def test_a_bed_that_is_left_to_us_is_the_best_fitting_one(facility: Facility) -> None:
    await facility.admit("p-1", "e-1", bed_type=TYPE, sex="F", age_years=61)
    assert lies(facility, "e-1") == ("x", "x-1")
    await facility.admit("p-2", "e-2", ward="x")
    assert lies(facility, "e-2") == ("x", "x-2")
    assert await codes(facility.admit("p-3", "e-3", ward="x")) == ["NO_FREE_BED"]


async def test_the_same_encounter_again_changes_nothing(facility: Facility) -> None:
    asked: dict[str, Any] = {"ward": "w", "bed": "w-2"}
    await facility.admit("p-1", "e-1", **asked)
    before = len(facility.store.messages)
    await facility.admit("p-1", "e-1", **asked)
    await facility.admit("p-1", "e-1", bed_type=TYPE)
    assert len(facility.store.messages) == before
    elsewhere = facility.admit("p-1", "e-1", ward="w", bed="w-1")
    assert await codes(elsewhere) == ["ENCOUNTER_HAS_BED"]
    assert await codes(facility.admit("p-7", "e-1", ward="w")) == ["ENCOUNTER_HAS_BED"]
    assert await codes(facility.admit("p-1", "e-2", ward="w")) == ["PATIENT_HAS_BED"]


async def test_a_patient_with_a_hold_takes_the_bed_that_is_held(facility: Facility) -> None:
    await facility.hold(1)
    held = facility.bed_of(1)
    assert held is not None
    other = facility.admit("p-1", "e-1", ward="x", bed="x-1")
    assert await codes(other) == ["PATIENT_HAS_BED"]
    await facility.admit("p-1", "e-1")
    assert facility.bed_of(1) == (held[0], BedState.OCCUPIED)
    assert lies(facility, "e-1") is not None


async def test_the_encounter_of_a_patient_who_came_before_it_is_linked(facility: Facility) -> None:
    await facility.hold(1)
    await facility.follow(ask.OccupyOnArrival(referral=referral(1)))
    await facility.admit("p-1", "e-1")
    ward, bed = lies(facility, "e-1") or ("", "")
    assert facility.ward_events(ward)[-1] == happened.EncounterLinked(bed=bed, patient="p-1", encounter="e-1")
    assert facility.bed_of(1) == (bed, BedState.OCCUPIED)


async def test_a_bed_that_is_another_patients_is_refused(facility: Facility) -> None:
    await facility.hold(1)
    ward = next(ward for ward in facility.wards() if ward.counts.held)
    (bed, _) = facility.bed_of(1) or ("", None)
    assert await codes(facility.admit("p-2", "e-2", ward=ward.id, bed=bed)) == ["BED_PROMISED"]
    await facility.admit("p-1", "e-1")
    assert await codes(facility.admit("p-2", "e-2", ward=ward.id, bed=bed)) == ["BED_STATE"]


async def test_an_admission_says_enough(facility: Facility) -> None:
    assert await fields(facility.admit("p-1", "e-1")) == ["bed_type REQUIRED"]
    assert await fields(facility.admit("p-1", "e-1", bed="w-1")) == ["ward REQUIRED", "bed_type REQUIRED"]
    for asked in ({"ward": "nowhere"}, {"ward": "w", "bed": "w-9"}):
        assert isinstance(await refusal(facility.admit("p-1", "e-1", **asked)), NotFound)


async def test_only_the_facilitys_own_people_admit(facility: Facility) -> None:
    for by in (person(Role.BED_DESK, facility="wucaiwan"), person(Role.REFERRAL_OFFICE)):
        facility.by = by
        assert isinstance(await refusal(facility.admit("p-1", "e-1", ward="w")), NotPermitted)


async def test_a_patient_who_waits_and_is_put_into_a_bed_lies_there_for_the_referral() -> None:
    facility = Facility()
    await facility.accept(2, sex="F")
    await facility.apply("m", [BedConstraints(sex="M")])
    assert facility.waiting() == [2]
    state = await facility.admit("p-2", "e-2", ward="m", bed="m-1")
    bed = state.beds[0]
    assert (bed.state, bed.encounter, bed.hold and bed.hold.referral) == (
        BedState.OCCUPIED,
        "e-2",
        referral(2),
    )
    assert facility.waiting() == []
    assert state.bed_type is TYPE


# Beds that are kept for referrals


async def test_the_last_free_beds_are_for_referrals_and_emergencies() -> None:
    facility = Facility()
    ward = await facility.apply("w", 3, reserved=1)
    assert ward.reserved_for_referrals == 1
    await facility.admit("p-1", "e-1", ward="w")
    await facility.do(ask.OccupyBed(ward="w", bed="w-2", patient="p-2"), "w")
    assert await codes(facility.admit("p-3", "e-3", bed_type=TYPE)) == ["RESERVED_FOR_REFERRALS"]
    assert await codes(facility.admit("p-3", "e-3", ward="w", bed="w-3")) == ["RESERVED_FOR_REFERRALS"]
    walk_in = ask.OccupyBed(ward="w", bed="w-3", patient="p-3")
    assert await codes(facility.do(walk_in, "w")) == ["RESERVED_FOR_REFERRALS"]
    await facility.admit("p-3", "e-3", ward="w", emergency_reason=SHOCK)
    event = facility.ward_events("w")[-1]
    assert isinstance(event, happened.BedOccupied)
    assert event.emergency_reason == SHOCK


async def test_a_referral_takes_the_last_bed() -> None:
    facility = Facility()
    await facility.apply("w", 1, reserved=1)
    await facility.hold(1)
    await facility.admit("p-1", "e-1")
    assert lies(facility, "e-1") == ("w", "w-1")


async def test_where_one_ward_keeps_its_beds_another_gives_one() -> None:
    facility = Facility()
    await facility.apply("w", 2, reserved=2)
    await facility.apply("x", 1)
    await facility.admit("p-1", "e-1", bed_type=TYPE)
    assert lies(facility, "e-1") == ("x", "x-1")


# Transfers


async def test_a_transfer_between_wards_is_one_step(facility: Facility) -> None:
    await facility.admit("p-1", "e-1", ward="w", bed="w-1")
    before = len(facility.store.messages)
    await facility.transfer("e-1", to_ward="x", to_bed="x-2")
    assert lies(facility, "e-1") == ("x", "x-2")
    assert facility.ward("w").beds[0].state is BedState.CLEANING
    assert facility.ward_events("w")[-1] == happened.BedTransferredOut(
        bed="w-1", to_ward="x", to_bed="x-2", patient="p-1", encounter="e-1"
    )
    assert facility.ward_events("x")[-1] == happened.BedTransferredIn(
        bed="x-2", from_ward="w", from_bed="w-1", patient="p-1", encounter="e-1"
    )
    moved = facility.store.messages[before:]
    assert len(moved) == 2
    assert len({message.recorded_at for message in moved}) == 1


async def test_the_hold_goes_with_the_patient_and_its_token_grows(facility: Facility) -> None:
    for number in (1, 2, 3):
        await facility.hold(number)
    holds = [bed.hold for ward in facility.wards() for bed in ward.beds if bed.hold]
    latest = max(holds, key=lambda hold: hold.fencing_token)
    target = "x" if latest.ward == "w" else "w"
    await facility.admit(latest.patient, "e-1")
    free = next(bed.id for bed in facility.ward(target).beds if bed.state is BedState.FREE)
    transfer = ask.TransferBed(ward=latest.ward, from_bed=latest.bed, to_ward=target, to_bed=free)
    await facility.do(transfer, latest.ward)
    bed = bed_of_encounter(facility.ward(target), "e-1")
    assert bed is not None
    assert bed.hold is not None
    assert (bed.hold.name, bed.hold.ward, bed.hold.bed) == (latest.name, target, free)
    assert bed.hold.fencing_token > latest.fencing_token
    assert facility.ward(target).next_token > bed.hold.fencing_token


async def test_a_transfer_that_is_left_to_us(facility: Facility) -> None:
    await facility.apply("icu", 1, BedType.ICU)
    await facility.admit("p-1", "e-1", ward="w", bed="w-1")
    await facility.transfer("e-1", bed_type=BedType.ICU)
    assert lies(facility, "e-1") == ("icu", "icu-1")
    await facility.transfer("e-1", to_ward="w")
    assert lies(facility, "e-1") == ("w", "w-2")
    await facility.do(ask.MarkBedReady(ward="w", bed="w-1"), "w")
    await facility.transfer("e-1", to_bed="w-1")
    assert lies(facility, "e-1") == ("w", "w-1")
    assert facility.ward_events("w")[-1] == happened.BedTransferred(
        from_bed="w-2", to_bed="w-1", patient="p-1", encounter="e-1"
    )


async def test_who_is_where_they_should_be_is_not_moved(facility: Facility) -> None:
    await facility.admit("p-1", "e-1", ward="w", bed="w-1")
    before = len(facility.store.messages)
    for asked in ({"to_ward": "w"}, {"to_ward": "w", "to_bed": "w-1"}, {"to_bed": "w-1"}, {"bed_type": TYPE}):
        await facility.transfer("e-1", **asked)
    assert len(facility.store.messages) == before


async def test_a_transfer_says_enough_and_finds_a_bed(facility: Facility) -> None:
    await facility.apply("icu", 1, BedType.ICU, reserved=1)
    await facility.admit("p-1", "e-1", ward="w", bed="w-1")
    await facility.admit("p-2", "e-2", ward="x", bed="x-1")
    assert await fields(facility.transfer("e-1")) == ["to_ward REQUIRED"]
    assert isinstance(await refusal(facility.transfer("e-9", to_ward="x")), NotFound)
    assert isinstance(await refusal(facility.transfer("e-1", to_ward="nowhere")), NotFound)
    assert await codes(facility.transfer("e-1", to_ward="x", to_bed="x-1")) == ["BED_STATE"]
    assert await codes(facility.transfer("e-1", bed_type=BedType.ICU)) == ["RESERVED_FOR_REFERRALS"]
    named = facility.transfer("e-1", to_ward="icu", to_bed="icu-1")
    assert await codes(named) == ["RESERVED_FOR_REFERRALS"]
    await facility.transfer("e-1", bed_type=BedType.ICU, emergency_reason=SHOCK)
    assert lies(facility, "e-1") == ("icu", "icu-1")
    assert await codes(facility.transfer("e-2", bed_type=BedType.ICU)) == ["NO_FREE_BED"]


async def test_a_transfer_stays_within_the_facility(facility: Facility) -> None:
    await facility.admit("p-1", "e-1", ward="w", bed="w-1")
    nowhere = ask.TransferBed(ward="w", from_bed="w-1", to_ward="nowhere", to_bed="n-1")
    assert isinstance(await refusal(facility.do(nowhere, "w")), NotFound)
    same = ask.TransferBed(ward="w", from_bed="w-1", to_bed="w-1")
    assert await fields(facility.do(same, "w")) == ["to_bed SAME_BED"]


# Discharges


async def test_a_discharge_leaves_the_bed_to_be_cleaned_and_again_changes_nothing(facility: Facility) -> None:
    await facility.admit("p-1", "e-1", ward="w", bed="w-1")
    ward = await facility.discharge("e-1")
    assert ward.beds[0].state is BedState.CLEANING
    assert facility.ward_events("w")[-1] == happened.BedVacated(bed="w-1", patient="p-1", encounter="e-1")
    before = len(facility.store.messages)
    assert (await facility.discharge("e-1")).id == "w"
    assert len(facility.store.messages) == before
    assert isinstance(await refusal(facility.discharge("e-9")), NotFound)


async def test_an_encounter_that_ended_does_not_begin_again(facility: Facility) -> None:
    await facility.admit("p-1", "e-1", ward="w", bed="w-1")
    await facility.do(ask.VacateBed(ward="w", bed="w-1"), "w")
    assert await codes(facility.admit("p-1", "e-1", ward="w")) == ["ENCOUNTER_ENDED"]
    assert isinstance(await refusal(facility.transfer("e-1", to_ward="x")), NotFound)
    await facility.admit("p-1", "e-2", ward="w")


async def test_a_repeated_request_gets_the_first_reply(facility: Facility) -> None:
    request = derive_id("admit")
    first = await facility.admit("p-1", "e-1", request, ward="w")
    await facility.discharge("e-1")
    assert await facility.admit("p-1", "e-1", request, ward="w") == first


async def test_a_patient_is_named_by_a_pseudonym(facility: Facility) -> None:
    admission = facility.admit("张三 13812345678", "e-1", ward="w", bed="w-2")
    assert await fields(admission) == ["patient NOT_A_PSEUDONYM"]
    assert lies(facility, "e-1") is None
