"""Names, leads and centres, as the directory topic tells them."""

from dataclasses import replace

import pytest

from services.notification.domain.directory import Directory
from tests.unit.notification.occurrences import DIRECTORY
from tests.unit.notification.scenario import BRANCH, HOSPITAL, PREFECTURE

FOURTH = "xinjiang-4th"


def with_roads(origin: str, **minutes: int) -> Directory:
    there = replace(
        DIRECTORY.facilities[origin],
        travel_minutes={name.replace("_", "-"): value for name, value in minutes.items()},
    )
    return replace(DIRECTORY, facilities={**DIRECTORY.facilities, origin: there})


def test_a_facility_goes_by_its_name_and_an_unknown_one_by_its_id() -> None:
    assert DIRECTORY.name(BRANCH).zh == "五彩湾镇分院"
    assert DIRECTORY.name("new-clinic").en == "new-clinic"


@pytest.mark.parametrize(
    ("facility", "lead"), [(BRANCH, HOSPITAL), (HOSPITAL, HOSPITAL), (PREFECTURE, ""), ("new-clinic", "")]
)
def test_the_lead_of_a_community(facility: str, lead: str) -> None:
    assert DIRECTORY.community_lead(facility) == lead


def test_a_community_that_is_not_told_yet_has_no_lead() -> None:
    assert replace(DIRECTORY, communities={}).community_lead(BRANCH) == ""


def test_the_preferred_centre_comes_first_when_it_can() -> None:
    assert DIRECTORY.nearest_centre(BRANCH, "STROKE", preferred=PREFECTURE) == PREFECTURE


def test_then_the_lead_of_the_community() -> None:
    assert DIRECTORY.nearest_centre(BRANCH, "STROKE", preferred=FOURTH) == HOSPITAL
    assert DIRECTORY.nearest_centre(BRANCH, "STROKE") == HOSPITAL


def test_then_the_nearest_by_road_whichever_way_the_time_is_given() -> None:
    assert DIRECTORY.nearest_centre(HOSPITAL, "TRAUMA") == PREFECTURE
    near = with_roads(HOSPITAL, xinjiang_4th=100)
    assert near.nearest_centre(HOSPITAL, "TRAUMA") == FOURTH


def test_without_any_that_is_known_the_preferred_one_stays() -> None:
    assert DIRECTORY.nearest_centre(BRANCH, "TRAUMA", preferred=HOSPITAL) == HOSPITAL
    assert DIRECTORY.nearest_centre("new-clinic", "STROKE", preferred=HOSPITAL) == HOSPITAL
    assert Directory().nearest_centre(BRANCH, "STROKE") == ""
