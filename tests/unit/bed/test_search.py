"""Where a patient finds a bed."""

from datetime import UTC, datetime

import pytest

from services.bed.domain.search import (
    BED_OF_PATHWAY,
    BedSearch,
    Facility,
    found_beds,
    reachable,
)
from services.bed.domain.state import Ward, count
from services.bed.domain.values import Bed, BedConstraints, BedState, BedType, Pathway
from services.shared.kernel.text import BilingualText

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)


def _facility(name: str, minutes: dict[str, int] | None = None, *capabilities: str) -> Facility:
    return Facility(
        id=name,
        name=BilingualText(zh=name, en=name),
        capabilities=capabilities,
        travel_minutes=minutes or {},
    )


def _known(*facilities: Facility) -> dict[str, Facility]:
    return {facility.id: facility for facility in facilities}


def _ward(facility: str, *beds: Bed, bed_type: BedType = BedType.STROKE_UNIT) -> Ward:
    return Ward(
        id=f"{facility}-ward",
        version=1,
        facility=facility,
        bed_type=bed_type,
        name=BilingualText(zh="", en=""),
        beds=beds,
        counts=count(beds),
        confirmed_at=NOW,
        update_time=NOW,
    )


def _names(search: BedSearch, *facilities: Facility) -> list[str]:
    return [each.facility.id for each in reachable(_known(*facilities), search)]


def _found(
    search: BedSearch, wards: dict[str, tuple[Ward, ...]], *facilities: Facility
) -> list[tuple[str, int]]:
    places = reachable(_known(*facilities), search)
    found = found_beds(places, wards, search, now=NOW, stale_after_s=60)
    return [(each.facility, each.fitting_count) for each in found]


STROKE = BedSearch(origin="branch", pathway=Pathway.STROKE)
NEAR = _facility("near", {"branch": 20}, "STROKE")
FAR = _facility("far", {"branch": 90}, "STROKE")


def test_only_what_treats_the_patient_and_can_be_reached_is_asked() -> None:
    plain = _facility("plain", {"branch": 5})
    nowhere = _facility("nowhere", {}, "STROKE")
    assert _names(STROKE, FAR, plain, NEAR, nowhere) == ["near", "far"]
    assert _names(BedSearch(origin="branch"), FAR, plain, NEAR, nowhere) == ["plain", "near", "far"]


def test_the_drive_is_bounded_and_goes_both_ways() -> None:
    within = BedSearch(origin="branch", pathway=Pathway.STROKE, travel_minutes_max=20)
    assert _names(within, NEAR, FAR) == ["near"]
    # The other way was given: from the branch it is longer.
    branch = _facility("branch", {"near": 30})
    assert _names(within, NEAR, branch) == []


def test_where_the_patient_is_no_drive_is_needed() -> None:
    assert _names(BedSearch(origin="near", pathway=Pathway.STROKE), FAR, NEAR) == ["near"]


def test_beds_that_may_not_take_the_patient_are_not_counted() -> None:
    beds = (
        Bed(id="1"),
        Bed(id="2", constraints=BedConstraints(sex="F")),
        Bed(id="3", constraints=BedConstraints(isolation=True)),
        Bed(id="4", state=BedState.OCCUPIED),
    )
    wards = {"near": (_ward("near", *beds),)}
    man = BedSearch(origin="branch", pathway=Pathway.STROKE, sex="M")
    assert _found(man, wards, NEAR) == [("near", 2)]
    isolated = BedSearch(origin="branch", pathway=Pathway.STROKE, isolation_needed=True)
    assert _found(isolated, wards, NEAR) == [("near", 1)]


def test_the_nearest_comes_first_and_who_is_full_not_at_all() -> None:
    equal = _facility("equal", {"branch": 20}, "STROKE")
    wards = {
        "near": (_ward("near", Bed(id="1")),),
        "equal": (_ward("equal", Bed(id="1"), Bed(id="2")),),
        "far": (_ward("far", *(Bed(id=str(number)) for number in range(9))),),
    }
    assert _found(STROKE, wards, FAR, NEAR, equal) == [("equal", 2), ("near", 1), ("far", 9)]
    full = {**wards, "near": (_ward("near", Bed(id="1", state=BedState.HELD)),)}
    assert _found(STROKE, full, FAR, NEAR) == [("far", 9)]


@pytest.mark.parametrize("pathway", list(Pathway))
def test_each_pathway_has_its_bed_unless_another_is_asked_for(pathway: Pathway) -> None:
    assert BedSearch(origin="x", pathway=pathway).wanted_type is BED_OF_PATHWAY[pathway]
    asked = BedSearch(origin="x", pathway=pathway, bed_type=BedType.ISOLATION)
    assert asked.wanted_type is BedType.ISOLATION
    assert BedSearch(origin="x").wanted_type is BedType.GENERAL
