"""What is read off a ward: claims, envelope, facets, availability; and the bed desk beside it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.bed.domain import bed_desk, ward
from services.bed.domain import commands as ask
from services.bed.domain import events as happened
from services.bed.domain.availability import availability
from services.bed.domain.texts import RULE_CODES, failed
from services.bed.domain.values import (
    Availability,
    BedEnvelope,
    BedState,
    BedType,
    Claim,
    UnavailableReason,
)
from services.shared.kernel.actor import Role
from services.shared.kernel.command import Recorded
from services.shared.kernel.refusals import NotAllowed, NotPermitted

from .scenario import (
    BED_IN,
    HOSPITAL,
    NOW,
    R1,
    R2,
    SYSTEM,
    bed_event_codec,
    context,
    counts,
    described,
    fold,
    hold,
    hold_bed,
    person,
    recorded,
)

# Claims


def test_a_hold_claims_its_bed_and_its_referral() -> None:
    lease = hold()
    expected = (Claim("bed", "w/w-01", lease.name), Claim("referral-bed", R1, lease.name))
    assert ward.claims(fold(described(), *BED_IN[BedState.HELD])) == expected
    assert ward.claims(fold(described(), *BED_IN[BedState.OCCUPIED])) == expected


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


# The bed desk

UNAVAILABLE = happened.BedUnavailable(
    referral=R2, patient="p-2", facility=HOSPITAL, bed_type=BedType.STROKE_UNIT, reason="NO_SUITABLE_WARD"
)
NO_WARD = UnavailableReason.NO_SUITABLE_WARD
ASKED = hold_bed(R2, record_refusal=True)


def test_the_desk_records_that_there_is_no_ward_to_ask() -> None:
    assert bed_desk.decide(None, ASKED, context(SYSTEM), reason=NO_WARD) == (UNAVAILABLE,)


def test_the_desk_counts_its_answers() -> None:
    state: bed_desk.BedDesk | None = None
    for version in (1, 2):
        entry = recorded(UNAVAILABLE, version, stream=bed_desk.stream_id(HOSPITAL))
        state = bed_desk.evolve(state, Recorded(event=UNAVAILABLE, metadata=entry.metadata))
    assert state == bed_desk.BedDesk(
        name="desks/jimsar-general", version=2, facility=HOSPITAL, unavailable_count=2, update_time=NOW
    )
    assert (bed_desk.deadlines(state), bed_desk.allowed_commands(state)) == ((), ())
    assert bed_desk.facets(state) == {"parties": [HOSPITAL], "live": True, "facility": HOSPITAL}


def test_the_desks_events_carry_no_counts() -> None:
    entry = recorded(UNAVAILABLE, 1, stream="desks/jimsar-general")
    state = bed_desk.evolve(None, Recorded(event=UNAVAILABLE, metadata=entry.metadata))
    carried = bed_desk.envelope(state)
    assert (carried.counts, carried.bed_type, carried.facility) == (None, None, HOSPITAL)
    stored = bed_event_codec().encode(entry.metadata, UNAVAILABLE, carried)
    assert bed_event_codec().decode(stored) == entry


@pytest.mark.parametrize(
    ("reason", "standing"),
    [(UnavailableReason.NO_SUITABLE_WARD, "NO_WARD"), (UnavailableReason.NO_FREE_BED, "FULL")],
)
def test_the_desk_refuses_who_waits_for_the_answer(reason: UnavailableReason, standing: str) -> None:
    with pytest.raises(NotAllowed) as refused:
        bed_desk.decide(None, hold_bed(R2), context(), reason=reason)
    assert [rule.code for rule in refused.value.failed_rules] == [reason]
    assert (refused.value.state, refused.value.resource_name) == (standing, "desks/jimsar-general")


def test_who_may_ask_the_desk() -> None:
    for by in (person(Role.CLINICIAN, facility="wucaiwan"), person(Role.AMBULANCE)):
        with pytest.raises(NotPermitted):
            bed_desk.decide(None, ASKED, context(by), reason=NO_WARD)


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
        ),
        "x",
    )
    for code in RULE_CODES:
        text = failed(code, **values).text
        assert text.zh
        assert text.en
        assert "{" not in text.zh + text.en


def test_commands_are_the_wards() -> None:
    assert set(bed_desk.COMMANDS) <= set(ward.COMMANDS)
    assert set(bed_desk.EVENTS) <= set(ward.EVENTS)
    assert set(ward.COMMANDS) == {*ask.REQUESTS, *ask.REACTIONS}
    assert len(set(ward.COMMANDS)) == len(ward.COMMANDS)
