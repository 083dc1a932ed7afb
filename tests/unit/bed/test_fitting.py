"""Which bed, which ward, and why none."""

from dataclasses import replace
from typing import Any

import pytest

from services.bed.domain import events as happened
from services.bed.domain import ward
from services.bed.domain.fitting import choose_bed, choose_ward, misfit, unavailable_reason
from services.bed.domain.values import BedConstraints, BedState, BedType, UnavailableReason

from .scenario import BED_IN, R2, counts, described, fold, hold_bed

ANYBODY = BedConstraints()
WOMEN = BedConstraints(sex="F")
ISOLATION = BedConstraints(isolation=True)
CHILDREN = BedConstraints(max_age_years=13)


@pytest.mark.parametrize(
    ("constraints", "fields", "fits"),
    [
        (ANYBODY, {}, True),
        (WOMEN, {"sex": "F"}, True),
        (WOMEN, {"sex": "M"}, False),
        (WOMEN, {"sex": ""}, False),
        (CHILDREN, {"age_years": 13}, True),
        (CHILDREN, {"age_years": 14}, False),
        (CHILDREN, {"age_years": 0}, True),
        (CHILDREN, {}, False),
        (BedConstraints(min_age_years=14), {"age_years": 14}, True),
        (BedConstraints(min_age_years=14), {"age_years": 13}, False),
        (BedConstraints(min_age_years=0, max_age_years=0), {"age_years": 0}, True),
        (ANYBODY, {"isolation_needed": True}, False),
        (ISOLATION, {"isolation_needed": True}, True),
        (ISOLATION, {}, True),
    ],
)
def test_whom_a_bed_takes(constraints: BedConstraints, fields: dict[str, Any], fits: bool) -> None:
    assert (misfit(constraints, BedType.STROKE_UNIT, hold_bed(**fields)) is not None) is fits


def test_every_bed_of_an_isolation_ward_isolates() -> None:
    assert misfit(ANYBODY, BedType.ISOLATION, hold_bed(isolation_needed=True)) is not None


def chosen(request_fields: dict[str, Any], **constraints: BedConstraints) -> str | None:
    bed = choose_bed(fold(described(4, **constraints)), hold_bed(**request_fields))
    return bed.id if bed is not None else None


def test_equal_beds_are_taken_in_the_wards_order() -> None:
    assert chosen({}) == "w-01"


def test_a_bed_made_for_the_patient_goes_before_one_for_anybody() -> None:
    assert chosen({"sex": "F"}, w_03=WOMEN) == "w-03"
    girls = BedConstraints(sex="F", max_age_years=13)
    assert chosen({"sex": "F", "age_years": 9}, w_02=WOMEN, w_04=girls) == "w-04"


def test_an_isolation_bed_is_the_last_for_who_needs_none() -> None:
    assert chosen({}, w_01=ISOLATION) == "w-02"
    women_isolated = BedConstraints(sex="F", isolation=True)
    assert chosen({"sex": "F"}, w_01=women_isolated) == "w-02"
    everywhere = dict.fromkeys(("w_01", "w_02", "w_03", "w_04"), ISOLATION)
    assert chosen({}, **everywhere) == "w-01"
    assert chosen({"isolation_needed": True}, w_03=ISOLATION) == "w-03"


@pytest.mark.parametrize("source", [state for state in BedState if state is not BedState.FREE])
def test_only_free_beds_are_chosen(source: BedState) -> None:
    bed = choose_bed(fold(described(2), *BED_IN[source]), hold_bed(R2))
    assert bed is not None
    assert bed.id == "w-02"


# Wards


def other(state: ward.Ward, ward_id: str, /, **fields: Any) -> ward.Ward:
    return replace(state, id=ward_id, **fields)


def test_the_better_bed_decides_before_the_slack() -> None:
    large = other(fold(described(4)), "large")
    for_women = other(fold(described(1, w_01=WOMEN)), "women")
    assert choose_ward((large, for_women), hold_bed(sex="F")) == for_women
    assert choose_ward((large, for_women), hold_bed(sex="M")) == large


def test_then_the_ward_that_keeps_most_slack_and_then_the_id() -> None:
    small, large = other(fold(described(2)), "a"), other(fold(described(3)), "b")
    assert choose_ward((small, large), hold_bed()) == large
    assert choose_ward((other(large, "c"), large), hold_bed()) == large


def test_a_ward_of_another_type_or_facility_is_not_chosen() -> None:
    wards = (
        other(fold(described(3)), "x", facility="elsewhere"),
        fold(described(3, BedType.ICU)),
    )
    assert choose_ward(wards, hold_bed()) is None
    assert unavailable_reason(wards, hold_bed()) is UnavailableReason.NO_SUITABLE_WARD
    assert choose_ward((), hold_bed()) is None


def test_a_full_ward_is_not_chosen_and_says_that_it_is_full() -> None:
    full = fold(described(1), *BED_IN[BedState.OCCUPIED])
    assert full.counts == counts(occupied=1)
    assert choose_ward((full,), hold_bed(R2)) is None
    assert unavailable_reason((full,), hold_bed(R2)) is UnavailableReason.NO_FREE_BED


def test_beds_for_others_do_not_make_a_ward_suitable() -> None:
    women = fold(described(1, w_01=WOMEN), happened.BedOccupied(bed="w-01", patient="p"))
    assert unavailable_reason((women,), hold_bed(sex="M")) is UnavailableReason.NO_SUITABLE_WARD
    assert unavailable_reason((women,), hold_bed(sex="F")) is UnavailableReason.NO_FREE_BED
