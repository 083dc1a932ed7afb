"""What is read off a ward: claims, envelope, facets, availability."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.bed.domain import commands as ask
from services.bed.domain import events as happened
from services.bed.domain import ward
from services.bed.domain.availability import availability
from services.bed.domain.texts import RULE_CODES, failed
from services.bed.domain.values import (
    Availability,
    BedEnvelope,
    BedState,
    BedType,
    Claim,
)

from .scenario import (
    BED_IN,
    HOSPITAL,
    NOW,
    R1,
    counts,
    described,
    fold,
    hold,
)

# Claims


def test_a_hold_claims_its_bed_and_its_referral() -> None:
    lease = hold()
    expected = (Claim("bed", "w/w-01", lease.name), Claim("referral-bed", R1, lease.name))
    promise = Claim("referral-promise", R1, lease.name)
    assert ward.claims(fold(described(), *BED_IN[BedState.HELD])) == (*expected, promise)
    assert ward.claims(fold(described(), *BED_IN[BedState.OCCUPIED])) == expected


def test_an_encounter_is_one_at_its_facility() -> None:
    lying = happened.BedOccupied(bed="w-02", patient="p-9", encounter="e-7")
    assert Claim("encounter", f"{HOSPITAL}/e-7", "wards/w") in ward.claims(fold(described(), lying))


def test_an_occupant_without_a_referral_claims_the_bed() -> None:
    occupied = happened.BedOccupied(bed="w-02", patient="p-9")
    assert ward.claims(fold(described(), occupied)) == (Claim("bed", "w/w-02", "p-9"),)


@pytest.mark.parametrize("source", [BedState.FREE, BedState.CLEANING, BedState.BLOCKED])
def test_a_bed_without_anybody_claims_nothing(source: BedState) -> None:
    assert ward.claims(fold(described(), *BED_IN[source])) == ()


def test_a_transfer_takes_the_claim_along() -> None:
    moved = replace(hold(), bed="w-02")
    transfer = happened.BedTransferred(from_bed="w-01", to_bed="w-02", hold=moved, patient="p-1")
    assert ward.claims(fold(described(), *BED_IN[BedState.OCCUPIED], transfer)) == (
        Claim("bed", "w/w-02", moved.name),
        Claim("referral-bed", R1, moved.name),
    )


# Envelope and facets


def test_every_event_carries_the_counts_after_it() -> None:
    confirmed = happened.CountsConfirmed(ward_counts=counts(free=3))
    state = fold(described(), confirmed, *BED_IN[BedState.HELD])
    assert ward.envelope(state) == BedEnvelope(
        counts=counts(free=2, held=1), facility=HOSPITAL, bed_type=BedType.STROKE_UNIT, confirmed_at=NOW
    )


def test_facets() -> None:
    assert ward.facets(fold(described())) == {
        "parties": [HOSPITAL],
        "live": True,
        "facility": HOSPITAL,
        "bed_type": "STROKE_UNIT",
    }


# Availability


def shown(*wards: ward.Ward, age_s: float = 0) -> tuple[Availability, ...]:
    return availability(wards, NOW + timedelta(seconds=age_s), 3600)


def test_counts_add_up_by_facility_and_type() -> None:
    confirmed = happened.CountsConfirmed(ward_counts=counts(free=2))
    stroke = fold(described(2), confirmed, *BED_IN[BedState.HELD])
    second = replace(fold(described(3), confirmed), id="v", confirmed_at=NOW - timedelta(seconds=60))
    icu = replace(fold(described(1, BedType.ICU), confirmed), id="i")
    far = replace(stroke, id="f", facility="changji-prefecture")
    found = shown(stroke, icu, second, far)
    assert [(one.facility, one.bed_type) for one in found] == [
        ("changji-prefecture", BedType.STROKE_UNIT),
        (HOSPITAL, BedType.ICU),
        (HOSPITAL, BedType.STROKE_UNIT),
    ]
    assert found[2] == Availability(
        facility=HOSPITAL,
        bed_type=BedType.STROKE_UNIT,
        counts=counts(free=4, held=1),
        confirmed_at=NOW - timedelta(seconds=60),
        stale=False,
    )


@pytest.mark.parametrize(("age_s", "stale"), [(3600, False), (3601, True)])
def test_counts_grow_stale(age_s: float, stale: bool) -> None:
    confirmed = fold(described(2), happened.CountsConfirmed(ward_counts=counts(free=2)))
    assert shown(confirmed, age_s=age_s)[0].stale is stale


def test_counts_that_one_ward_never_confirmed_are_stale() -> None:
    confirmed = fold(described(2), happened.CountsConfirmed(ward_counts=counts(free=2)))
    never, closed = replace(fold(described(1)), id="v"), replace(fold(described(0)), id="c")
    assert (shown(confirmed, never)[0].stale, shown(confirmed, never)[0].confirmed_at) == (True, None)
    assert (shown(confirmed, closed)[0].stale, shown(confirmed, closed)[0].confirmed_at) == (False, NOW)
    assert shown(closed)[0].counts == counts()


# Texts


def test_every_rule_has_both_languages_and_fills_in() -> None:
    values = dict.fromkeys(
        (
            "bed",
            "beds",
            "ward",
            "given",
            "current",
            "state_zh",
            "state_en",
            "command_zh",
            "command_en",
            "bed_type_zh",
            "bed_type_en",
            "place",
            "facility",
            "most",
        ),
        "x",
    )
    for code in RULE_CODES:
        text = failed(code, **values).text
        assert text.zh
        assert text.en
        assert "{" not in text.zh + text.en


def test_every_command_is_a_request_or_a_reaction() -> None:
    assert set(ward.COMMANDS) == {*ask.REQUESTS, *ask.REACTIONS}
    assert len(set(ward.COMMANDS)) == len(ward.COMMANDS)
