"""Which ambulance service may act: the one that carries, and those that serve the origin."""

from dataclasses import replace

import pytest

from services.referral.domain import commands as c
from services.shared.kernel.actor import Role
from services.shared.kernel.refusals import NotFound
from tests.unit.referral.referral.network import WUCAIWAN, person
from tests.unit.referral.referral.stories import (
    ADVANCED,
    ARRANGE,
    DEPART,
    REASON,
    bed_held,
    in_transit,
    told,
    transport_arranged,
)

DIVERT = c.DivertPatient(destination_facility="east-hospital", reason=REASON)


@pytest.mark.parametrize("facility", ["", "no-such-place", "qitai-people", "changji-prefecture"])
def test_an_ambulance_from_elsewhere_is_told_that_there_is_nothing(facility: str) -> None:
    crew = person(facility, Role.AMBULANCE)
    for chart, command in ((bed_held(), ARRANGE), (transport_arranged(), DEPART), (in_transit(), DIVERT)):
        assert isinstance(chart.refused(command, crew), NotFound)


@pytest.mark.parametrize("facility", ["wucaiwan", "jimsar-town", "ambulance-120", "east-hospital"])
def test_ambulances_of_the_origin_its_community_and_county_serve(facility: str) -> None:
    chart = told((ARRANGE, person(facility, Role.AMBULANCE)), chart=bed_held())
    assert chart.referral.ambulance_facility == facility


def test_a_service_from_elsewhere_acts_once_it_is_named() -> None:
    crew = person("qitai-people", Role.AMBULANCE)
    named = replace(ADVANCED, ambulance_facility="qitai-people")
    chart = told((replace(ARRANGE, transport=named), WUCAIWAN), (DEPART, crew), chart=bed_held())
    assert chart.referral.ambulance_facility == "qitai-people"
    chart.when(DIVERT, crew)


def test_nobody_unknown_is_named_to_carry() -> None:
    named = replace(ADVANCED, ambulance_facility="no-such-place")
    chart = bed_held()
    chart.refused(replace(ARRANGE, transport=named), WUCAIWAN, "UNKNOWN_FACILITY")
    chart.refused(replace(DEPART, transport=named), WUCAIWAN, "UNKNOWN_FACILITY")
