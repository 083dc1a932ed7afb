"""ApplyWards: checked whole, applied as a difference, and never under a patient."""

from dataclasses import replace
from typing import Any

import pytest

from services.bed.domain import commands as ask
from services.bed.domain import events as happened
from services.bed.domain import ward
from services.bed.domain.description import split
from services.bed.domain.values import Bed, BedConstraints, BedState, BedType
from services.shared.kernel.actor import Role
from services.shared.kernel.refusals import InvalidInput
from services.shared.kernel.text import BilingualText

from .scenario import BED_DESK, BED_IN, HOSPITAL, NAME, SYSTEM, beds, counts, described, given, hold, person

WOMEN = BedConstraints(sex="F")


def numbered(bed_count: int, **fields: Any) -> ask.ApplyWard:
    facility = str(fields.pop("facility", HOSPITAL))
    specified = ask.WardSpecification(id="w", bed_type=BedType.STROKE_UNIT, name=NAME, bed_count=bed_count)
    return ask.ApplyWard(facility=facility, ward=replace(specified, **fields))


def listed(*specified: ask.BedSpecification) -> ask.ApplyWard:
    return numbered(0, beds=specified)


def bed_ids(state: ward.Ward) -> list[str]:
    return [bed.id for bed in state.beds]


def test_a_ward_of_numbered_beds() -> None:
    state = given().when(numbered(3)).then(described(3))
    assert (state.id, state.facility, state.bed_type, state.name) == (
        "w",
        HOSPITAL,
        BedType.STROKE_UNIT,
        NAME,
    )
    assert bed_ids(state) == ["w-01", "w-02", "w-03"]
    assert (state.version, state.counts, state.confirmed_at) == (1, counts(free=3), None)


def test_a_ward_grows_past_a_hundred_without_renaming_and_in_counting_order() -> None:
    grown = given(described(99)).when(numbered(101))
    event = grown.events[0]
    assert isinstance(event, happened.WardApplied)
    assert [bed.id for bed in event.added_beds] == ["w-100", "w-101"]
    assert bed_ids(grown.state)[97:] == ["w-98", "w-99", "w-100", "w-101"]


def test_a_ward_of_listed_beds_with_their_constraints() -> None:
    asked = listed(ask.BedSpecification(id="卒中-10", constraints=WOMEN), ask.BedSpecification(id="卒中-9"))
    state = given().when(asked).state
    assert state.beds == (Bed(id="卒中-9"), Bed(id="卒中-10", constraints=WOMEN))


def test_a_ward_without_a_name_is_called_by_its_id() -> None:
    assert given().when(numbered(1, name=None)).state.name == BilingualText(zh="w", en="w")


def test_a_ward_may_begin_without_beds() -> None:
    assert given().when(numbered(0)).state.counts == counts()


def test_the_same_description_again_changes_nothing() -> None:
    given(described(3)).when(numbered(3)).then_nothing()


def test_only_the_difference_is_applied() -> None:
    asked = listed(ask.BedSpecification(id="w-02", constraints=WOMEN), ask.BedSpecification(id="w-04"))
    state = (
        given(described(3))
        .when(asked)
        .then(
            happened.WardApplied(
                facility=HOSPITAL,
                bed_type=BedType.STROKE_UNIT,
                name=NAME,
                added_beds=(Bed(id="w-04"),),
                removed_beds=("w-01", "w-03"),
                changed_beds=(Bed(id="w-02", constraints=WOMEN),),
            )
        )
    )
    assert state.beds == (Bed(id="w-02", constraints=WOMEN), Bed(id="w-04"))


def test_a_ward_keeps_beds_for_referrals() -> None:
    state = given(described(3)).when(numbered(3, reserved_for_referrals=2)).state
    assert state.reserved_for_referrals == 2
    given(described(3)).when(numbered(3, reserved_for_referrals=4)).then_invalid(
        "ward.reserved_for_referrals MORE_THAN_BEDS"
    )


def test_a_ward_is_renamed() -> None:
    renamed = BilingualText(zh="卒中中心", en="Stroke centre")
    assert given(described(1)).when(numbered(1, name=renamed)).state.name == renamed


def test_what_lies_in_a_bed_stays_in_it_when_its_constraints_change() -> None:
    asked = listed(ask.BedSpecification(id="w-01", constraints=WOMEN))
    before = given(described(1), *BED_IN[BedState.OCCUPIED])
    state = before.when(asked).state
    assert before.state is not None
    assert state.beds[0] == replace(before.state.beds[0], constraints=WOMEN)
    assert state.next_token == before.state.next_token == 2


@pytest.mark.parametrize("source", [BedState.HELD, BedState.OCCUPIED])
def test_beds_in_use_are_never_removed(source: BedState) -> None:
    walk_in = happened.BedOccupied(bed="w-02", patient="p-9")
    refused = given(described(3), *BED_IN[source], walk_in).when(numbered(0)).then_refused("BEDS_IN_USE")
    assert refused.failed_rules[0].text.en.endswith(": w-01, w-02")
    assert refused.state == "OPEN"


@pytest.mark.parametrize("source", [BedState.FREE, BedState.CLEANING, BedState.BLOCKED])
def test_a_ward_is_closed_once_nobody_needs_it(source: BedState) -> None:
    state = given(described(1), *BED_IN[source]).when(numbered(0)).state
    assert (state.beds, ward.facets(state)["live"]) == ((), False)


def test_a_ward_in_use_keeps_its_type() -> None:
    rehabilitation = numbered(3, bed_type=BedType.REHABILITATION)
    held = happened.BedHeld(hold=hold())
    refused = given(described(3), held).when(rehabilitation).then_refused("BED_TYPE_IN_USE")
    assert "w-01" in refused.failed_rules[0].text.zh
    state = given(described(3)).when(rehabilitation).state
    assert (state.bed_type, state.left_types) == (BedType.REHABILITATION, {"STROKE_UNIT": 2})
    again = given(described(3), described(3, BedType.ICU), described(3)).state
    assert again.left_types == {"ICU": 3}
    other = numbered(0, bed_type=BedType.REHABILITATION)
    given(described(3), held).when(other).then_refused("BEDS_IN_USE", "BED_TYPE_IN_USE")


def test_a_ward_id_is_one_facilitys() -> None:
    others = numbered(3, facility="wucaiwan")
    refused = given(described(3)).when(others, person(Role.BED_DESK, facility="wucaiwan"))
    taken = refused.then_refused("WARD_OF_OTHER_FACILITY")
    assert (taken.state, taken.allowed_commands) == ("TAKEN", ())
    assert taken.failed_rules[0].text.zh == "病区编号w已由其他机构使用"


# Who


@pytest.mark.parametrize("role", [Role.BED_DESK, Role.CLINICIAN])
def test_its_own_people_and_the_operator_describe_a_ward(role: Role) -> None:
    assert given().when(numbered(1), person(role)).events
    assert given().when(numbered(1), person(Role.OPERATOR, facility="")).events
    given().when(numbered(1), person(role, facility="wucaiwan")).then_not_permitted("OTHER_FACILITY")


def test_nobody_else_does() -> None:
    for by in (person(Role.REFERRAL_OFFICE), person(Role.COORDINATOR), person(Role.AMBULANCE), SYSTEM):
        given().when(numbered(1), by).then_not_permitted("ROLE_NOT_PERMITTED")


# What is checked


def spec(ward_id: str = "w", **fields: Any) -> ask.WardSpecification:
    return replace(
        ask.WardSpecification(id=ward_id, bed_type=BedType.ICU),
        **fields,
    )


def violations(*wards: ask.WardSpecification, facility: str = HOSPITAL) -> list[tuple[str, str]]:
    with pytest.raises(InvalidInput) as refused:
        split(ask.ApplyWards(facility=facility, wards=wards), BED_DESK)
    return [(violation.field, violation.reason) for violation in refused.value.violations]


def test_a_request_is_one_command_a_ward() -> None:
    request = ask.ApplyWards(wards=(spec("a", bed_count=2), spec("b")))
    assert split(request, BED_DESK) == (
        ask.ApplyWard(facility=HOSPITAL, ward=spec("a", bed_count=2)),
        ask.ApplyWard(facility=HOSPITAL, ward=spec("b")),
    )
    (command,) = split(ask.ApplyWards(facility="wucaiwan", wards=(spec("a"),)), BED_DESK)
    assert command.facility == "wucaiwan"


def test_every_wrong_field_of_every_ward_is_named_at_once() -> None:
    ages = BedConstraints(min_age_years=14, max_age_years=13)
    wrong_beds = (
        ask.BedSpecification(id="1/2"),
        ask.BedSpecification(id="b", constraints=ages),
        ask.BedSpecification(id="b", constraints=BedConstraints(min_age_years=14, max_age_years=14)),
    )
    assert violations(
        spec("a b", beds=wrong_beds), spec("c", bed_count=1, beds=(wrong_beds[2],)), spec("d"), spec("d")
    ) == [
        ("wards[0].id", "INVALID_ID"),
        ("wards[0].beds[0].id", "INVALID_ID"),
        ("wards[0].beds[1].constraints.max_age_years", "AGE_RANGE_EMPTY"),
        ("wards[0].beds[2].id", "DUPLICATE_ID"),
        ("wards[1].bed_count", "BEDS_OR_COUNT"),
        ("wards[2].id", "DUPLICATE_ID"),
        ("wards[3].id", "DUPLICATE_ID"),
    ]


@pytest.mark.parametrize("wrong", ["", "a/b", "a b", "a\n", "a\u200b", "/"])
def test_an_id_is_printable_without_spaces_and_slashes(wrong: str) -> None:
    assert violations(spec(wrong)) == [("wards[0].id", "INVALID_ID")]


def test_an_age_range_may_be_open() -> None:
    ranges = (BedConstraints(min_age_years=14), BedConstraints(max_age_years=13))
    beds_of = tuple(ask.BedSpecification(id=f"b{n}", constraints=one) for n, one in enumerate(ranges))
    assert split(ask.ApplyWards(wards=(spec(beds=beds_of),)), BED_DESK)


def test_an_operator_says_for_which_facility() -> None:
    with pytest.raises(InvalidInput) as refused:
        split(ask.ApplyWards(wards=(spec(),)), person(Role.OPERATOR, facility=""))
    (violation,) = refused.value.violations
    assert (violation.field, violation.reason) == ("facility", "REQUIRED")


def test_a_command_that_was_not_split_is_checked_too() -> None:
    given().when(numbered(1, facility="", id="a/b"), person(Role.OPERATOR, facility="")).then_invalid(
        "facility REQUIRED", "ward.id INVALID_ID"
    )


def test_numbered_beds_equal_listed_ones() -> None:
    named = tuple(ask.BedSpecification(id=bed.id) for bed in beds(3))
    given(described(3)).when(listed(*named)).then_nothing()
