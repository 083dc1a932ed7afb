"""Which ambulance service may act: the one that carries, and those that serve the origin."""

from dataclasses import replace

import pytest

from services.referral.domain import commands as c
from services.referral.domain.events import (
    AcceptanceWithdrawn,
    CancellationRequested,
    PatientDiverted,
    ReferralCancelled,
)
from services.referral.domain.parties import Party, may_read
from services.referral.domain.readers import readable_parties
from services.referral.domain.referral_state import WITH_CREWS
from services.referral.domain.referral_values import ReferralState as S
from services.referral.domain.transitions import TABLE
from services.shared.kernel.actor import Role
from services.shared.kernel.refusals import NotFound
from tests.unit.referral.referral.chart import Chart
from tests.unit.referral.referral.network import (
    AMBULANCE,
    COORDINATOR,
    DIRECTORY,
    GENERAL,
    OPERATOR,
    WUCAIWAN,
    person,
)
from tests.unit.referral.referral.stories import (
    ADVANCED,
    ARRANGE,
    DEPART,
    REASON,
    TO_STATE,
    accepted,
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


SERVING = ("jimsar-town", "ambulance-120", "east-hospital")
NAMED = replace(ARRANGE, transport=replace(ADVANCED, ambulance_facility="ambulance-120"))
CANCEL = c.CancelReferral(reason=REASON)
CONFIRM = c.ConfirmCancellation()


def named() -> Chart:
    return told((NAMED, WUCAIWAN), chart=bed_held())


def test_the_states_in_which_crews_read_are_those_in_which_the_table_lets_them_act() -> None:
    acting = {
        source for row in TABLE if any(by.party is Party.AMBULANCE for by in row.by) for source in row.sources
    }
    assert acting == WITH_CREWS


@pytest.mark.parametrize("state", list(S))
@pytest.mark.parametrize("facility", SERVING)
def test_whoever_may_carry_reads_while_the_patient_waits_for_it(state: S, facility: str) -> None:
    referral = replace(TO_STATE[state]().referral, ambulance_facility="")
    crew, staff = person(facility, Role.AMBULANCE), person(facility, Role.CLINICIAN, Role.REFERRAL_OFFICE)
    assert may_read(referral, crew, DIRECTORY) is (state in WITH_CREWS)
    assert not may_read(referral, staff, DIRECTORY), "at the same facility, who drives no ambulance does not"


def test_crews_from_elsewhere_and_of_nowhere_do_not_read() -> None:
    for facility in ("", "no-such-place", "qitai-people", "changji-prefecture"):
        assert not may_read(accepted().referral, person(facility, Role.AMBULANCE), DIRECTORY)


def test_before_and_after_a_crew_near_by_learns_nothing_of_the_state() -> None:
    crew = person("east-hospital", Role.AMBULANCE)
    for state in set(S) - WITH_CREWS:
        assert isinstance(TO_STATE[state]().refused(ARRANGE, crew), NotFound), state


def test_who_carried_reads_on_and_who_might_have_does_not() -> None:
    chart = told((DEPART, AMBULANCE), (c.ReportArrival(patient="patient-7"), GENERAL), chart=named())
    assert chart.referral.state is S.ARRIVED
    assert may_read(chart.referral, AMBULANCE, DIRECTORY)
    assert not may_read(chart.referral, person("east-hospital", Role.AMBULANCE), DIRECTORY)


def test_lists_are_walked_for_every_facility_that_a_crew_serves() -> None:
    county = {"wucaiwan", "jimsar-general", "jimsar-town", "wucaiwan-park-clinic", "east-hospital"}
    expected = {"ambulance-120", "crews/ambulance-120"} | {f"crews/{each}" for each in county}
    assert readable_parties(AMBULANCE, DIRECTORY) == expected
    assert readable_parties(WUCAIWAN, DIRECTORY) == {"wucaiwan"}
    assert readable_parties(replace(OPERATOR, roles=(*OPERATOR.roles, Role.AMBULANCE)), DIRECTORY) is None


def test_a_named_service_is_told_that_it_need_not_come() -> None:
    (withdrawn,) = named().when(c.WithdrawAcceptance(reason=REASON), GENERAL)
    assert isinstance(withdrawn, AcceptanceWithdrawn) and withdrawn.carrier_facility == "ambulance-120"
    chart = named()
    (asked,) = chart.when(CANCEL, WUCAIWAN)
    assert isinstance(asked, CancellationRequested) and asked.carrier_facility == "ambulance-120"
    (cancelled,) = chart.when(CONFIRM, GENERAL)
    assert isinstance(cancelled, ReferralCancelled) and cancelled.carrier_facility == "ambulance-120"
    (by_itself,) = told((CANCEL, WUCAIWAN), chart=named()).due("cancellation")
    assert isinstance(by_itself, ReferralCancelled) and by_itself.by_deadline
    assert by_itself.carrier_facility == "ambulance-120"


def test_nobody_is_told_who_was_not_to_come() -> None:
    own = told((ARRANGE, WUCAIWAN), chart=bed_held())
    (asked,) = own.when(CANCEL, WUCAIWAN)
    assert isinstance(asked, CancellationRequested) and asked.carrier_facility == ""
    again = told((c.WithdrawAcceptance(reason=REASON), GENERAL), chart=named())
    (cancelled,) = again.when(CANCEL, WUCAIWAN)
    assert isinstance(cancelled, ReferralCancelled) and cancelled.carrier_facility == "", "it was told before"


def test_the_crew_on_the_road_is_told_of_a_diversion_that_is_not_its_own() -> None:
    for by, carrier in ((COORDINATOR, "ambulance-120"), (AMBULANCE, "")):
        (diverted,) = told((DEPART, WUCAIWAN), chart=named()).when(DIVERT, by)
        assert isinstance(diverted, PatientDiverted) and diverted.carrier_facility == carrier
