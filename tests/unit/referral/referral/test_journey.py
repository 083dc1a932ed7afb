"""Transport, departure, diversion, arrival, no-show."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from services.referral.domain import commands as c
from services.referral.domain.commands import BedNews
from services.referral.domain.commands_bypass import GrantBypass
from services.referral.domain.events import PatientDeparted, PatientDiverted
from services.referral.domain.referral_values import (
    BedRegion,
    CrewLevel,
    HandoverDocument,
    OfferState,
    ReferralState,
    Transport,
)
from services.referral.domain.values import Direction, Pathway, Scope, Urgency
from services.shared.kernel.actor import Actor
from services.shared.kernel.refusals import NotFound
from tests.unit.referral.referral.chart import Chart, names
from tests.unit.referral.referral.network import (
    AMBULANCE,
    CHANGJI,
    COORDINATOR,
    EAST,
    GENERAL,
    GENERAL_BEDS,
    GENERAL_OFFICE,
    QITAI,
    QITAI_COORDINATOR,
    SYSTEM,
    TOWN,
    WUCAIWAN,
    WUCAIWAN_OFFICE,
)
from tests.unit.referral.referral.stories import (
    ACCEPT,
    ADVANCED,
    ARRANGE,
    ARRIVE,
    CANCEL,
    CREATE,
    DEPART,
    HANDOVER,
    NO_REASON,
    OUT_OF_COUNTY,
    REASON,
    accepted,
    bed,
    bed_held,
    cancel_requested,
    in_transit,
    no_show,
    requested,
    told,
    transport_arranged,
)

BASIC = Transport(crew_level=CrewLevel.BASIC)
DIVERT = c.DivertPatient(destination_facility="east-hospital", reason=REASON)


@pytest.mark.parametrize("actor", [WUCAIWAN, WUCAIWAN_OFFICE, AMBULANCE])
def test_origin_or_ambulance_arranges_transport(actor: Actor) -> None:
    chart = bed_held()
    eta = chart.now + timedelta(hours=2)
    chart.when(replace(ARRANGE, estimated_arrival_time=eta), actor)
    state = chart.referral
    assert (state.state, state.transport) == (ReferralState.TRANSPORT_ARRANGED, ADVANCED)
    assert (state.estimated_arrival_time, state.hold_until) == (eta, eta + timedelta(minutes=30))


def test_neither_the_destination_nor_strangers_arrange_transport() -> None:
    bed_held().refused(ARRANGE, GENERAL, "WRONG_FACILITY")
    bed_held().refused(ARRANGE, TOWN, "NotFound")


def test_only_an_ambulance_service_takes_part_by_acting() -> None:
    chart = told((ARRANGE, WUCAIWAN), chart=bed_held())
    assert chart.referral.ambulance_facility == ""


def test_an_ambulance_takes_part_for_good_once_it_acts() -> None:
    for chart, found in ((in_transit(), "WRONG_FACILITY"), (requested(), "NotFound")):
        chart.refused(ARRIVE, AMBULANCE, found)


@pytest.mark.parametrize(
    "news",
    [
        (),
        (BedNews.UNAVAILABLE,),
        (BedNews.HELD, BedNews.HOLD_LAPSED),
        (BedNews.HELD, BedNews.RELEASED),
        (BedNews.HELD, BedNews.OCCUPIED),
    ],
)
def test_without_a_held_bed_only_the_bypass_leads_on(news: tuple[BedNews, ...]) -> None:
    chart = told(*[(bed(each), SYSTEM) for each in news], chart=accepted())
    chart.refused(ARRANGE, WUCAIWAN, "BED_NOT_READY")
    chart.refused(replace(DEPART, transport=ADVANCED), WUCAIWAN, "BED_NOT_READY")
    chart.when(GrantBypass(reason=REASON), GENERAL)
    chart.copy().when(replace(DEPART, transport=ADVANCED), WUCAIWAN)
    chart.when(ARRANGE, WUCAIWAN)
    assert chart.referral.emergency_room_bypass
    assert chart.when(DEPART, WUCAIWAN)


def test_without_need_of_a_bed_transport_is_arranged_at_once() -> None:
    chart = accepted(replace(CREATE, bed_type=None))
    assert names(chart.when(ARRANGE, WUCAIWAN)) == ["TransportArranged"]


def test_the_crew_fits_the_acuity() -> None:
    weak = replace(ARRANGE, transport=BASIC)
    refusal = bed_held().refused(weak, WUCAIWAN, "CREW_TOO_LOW")
    assert "advanced life support" in str(refusal)
    bed_held().refused(replace(DEPART, transport=BASIC), WUCAIWAN, "CREW_TOO_LOW")
    routine = accepted(replace(CREATE, urgency=Urgency.ROUTINE, bed_type=None))
    assert routine.when(weak, WUCAIWAN)
    critical = accepted(replace(CREATE, pathway=Pathway.CRITICAL_CARE, bed_type=None))
    critical.refused(ARRANGE, WUCAIWAN, "CREW_TOO_LOW")
    assert critical.when(replace(ARRANGE, transport=Transport(crew_level=CrewLevel.CRITICAL_CARE)), WUCAIWAN)


def test_every_guard_of_a_departure_is_named_at_once() -> None:
    empty = c.DepartPatient(handover_document=HandoverDocument(summary=" "))
    accepted().refused(empty, WUCAIWAN, "BED_NOT_READY", "TRANSPORT_MISSING", "HANDOVER_MISSING")


def test_departure_hands_over_and_stays_with_the_origin() -> None:
    chart = transport_arranged().later(minutes=20)
    (event,) = chart.when(DEPART, AMBULANCE)
    assert isinstance(event, PatientDeparted)
    assert event.handover_document == HANDOVER
    assert event.estimated_arrival_time == chart.now + timedelta(minutes=95)
    state = chart.referral
    assert (state.state, state.custodian_facility) == (ReferralState.IN_TRANSIT, "wucaiwan")
    assert state.hold_until == event.estimated_arrival_time + timedelta(minutes=30)
    assert chart.keys() == ["arrival"]


def test_departure_without_arranging_names_the_transport() -> None:
    bed_held().refused(DEPART, WUCAIWAN, "TRANSPORT_MISSING")
    chart = bed_held()
    chart.when(replace(DEPART, transport=ADVANCED), WUCAIWAN_OFFICE)
    assert (chart.referral.transport, chart.referral.emergency_room_bypass) == (ADVANCED, False)


def test_an_arrival_said_before_is_kept_for_the_departure() -> None:
    eta = bed_held().now + timedelta(hours=3)
    chart = told(
        (replace(ARRANGE, estimated_arrival_time=eta), WUCAIWAN), (DEPART, WUCAIWAN), chart=bed_held()
    )
    assert chart.referral.estimated_arrival_time == eta
    early = replace(DEPART, estimated_arrival_time=bed_held().now - timedelta(minutes=1))
    bed_held().refused(early, WUCAIWAN, "IN_THE_PAST")
    early_transport = replace(ARRANGE, estimated_arrival_time=bed_held().now - timedelta(minutes=1))
    bed_held().refused(early_transport, WUCAIWAN, "IN_THE_PAST")


def test_out_of_the_pooling_area_a_filing_number_is_needed_before_departure() -> None:
    far = replace(
        OUT_OF_COUNTY, urgency=Urgency.URGENT, pathway=Pathway.TRAUMA, destinations=("xinjiang-4th",)
    )
    chart = told(
        (far, GENERAL),
        (c.ApproveReferral(), GENERAL_OFFICE),
        (ACCEPT, Actor(user="x", name="x", facility="xinjiang-4th", roles=CHANGJI.roles)),
        (ARRANGE, GENERAL),
    )
    assert chart.referral.insurance_filing_needed
    chart.refused(DEPART, GENERAL, "FILING_MISSING")
    chart.when(replace(DEPART, insurance_filing_number="BA-2026-1"), GENERAL)
    assert chart.referral.insurance_filing_number == "BA-2026-1"


@pytest.mark.parametrize("actor", [AMBULANCE, COORDINATOR])
def test_ambulance_or_coordinator_diverts_on_the_road(actor: Actor) -> None:
    chart = in_transit().later(minutes=30)
    (event,) = chart.when(DIVERT, actor)
    assert isinstance(event, PatientDiverted)
    state = chart.referral
    assert (state.state, state.destination_facility) == (ReferralState.IN_TRANSIT, "east-hospital")
    assert [offer.state for offer in state.offers] == [OfferState.WITHDRAWN, OfferState.ACCEPTED]
    assert (state.bed_region, state.bed, state.accepting_clinician) == (BedRegion.REQUESTED, None, None)
    assert state.estimated_arrival_time == chart.now + timedelta(minutes=110)
    assert (state.direction, state.scope) == (Direction.UP, Scope.BETWEEN_COMMUNITIES)
    chart.refused(ARRIVE, GENERAL, "WRONG_FACILITY")
    told((ARRIVE, EAST), chart=chart)
    assert chart.referral.custodian_facility == "east-hospital"


def test_a_diversion_says_for_whom_the_bed_is_as_the_acceptance_did() -> None:
    summary = replace(CREATE.clinical_summary, sex="M", age_years=67, isolation_needed=True)
    chart = accepted(replace(CREATE, clinical_summary=summary))
    told((bed(BedNews.HELD), SYSTEM), (ARRANGE, WUCAIWAN), (DEPART, AMBULANCE), chart=chart)
    (event,) = chart.when(DIVERT, AMBULANCE)
    assert isinstance(event, PatientDiverted)
    assert (event.sex, event.age_years, event.isolation_needed) == ("M", 67, True)


def test_a_diversion_needs_a_reason_and_another_facility() -> None:
    same = c.DivertPatient(destination_facility="jimsar-general", reason=NO_REASON)
    in_transit().refused(same, AMBULANCE, "REASON_MISSING", "DESTINATION_NOT_NEW")
    unknown = c.DivertPatient(
        destination_facility="nowhere",
        reason=REASON,
        estimated_arrival_time=in_transit().now - timedelta(hours=1),
    )
    in_transit().refused(unknown, AMBULANCE, "IN_THE_PAST", "UNKNOWN_FACILITY")


def test_neither_origin_nor_destination_diverts() -> None:
    in_transit().refused(DIVERT, WUCAIWAN, "WRONG_FACILITY")
    in_transit().refused(DIVERT, GENERAL, "WRONG_FACILITY")
    in_transit().refused(DIVERT, QITAI_COORDINATOR, "NotFound")
    transport_arranged().refused(DIVERT, AMBULANCE, "NOT_ALLOWED_IN_STATE")


def test_a_coordinator_of_the_destinations_community_diverts_too() -> None:
    chart = in_transit()
    chart.when(c.DivertPatient(destination_facility="qitai-people", reason=REASON), AMBULANCE)
    assert chart.when(DIVERT, QITAI_COORDINATOR)


def test_a_patient_may_be_brought_back_to_the_origin() -> None:
    chart = in_transit()
    chart.when(c.DivertPatient(destination_facility="wucaiwan", reason=REASON), AMBULANCE)
    assert chart.referral.direction is Direction.LATERAL
    assert told((ARRIVE, WUCAIWAN), chart=chart).referral.state is ReferralState.ARRIVED


@pytest.mark.parametrize("story", [accepted, transport_arranged, in_transit, cancel_requested])
@pytest.mark.parametrize("actor", [GENERAL, GENERAL_OFFICE, GENERAL_BEDS])
def test_the_destination_reports_the_arrival(story: Callable[[], Chart], actor: Actor) -> None:
    chart = story()
    chart.refused(c.ReportArrival(patient="somebody-else"), actor, "PATIENT_MISMATCH")
    chart.refused(ARRIVE, WUCAIWAN, "WRONG_FACILITY")
    chart.when(ARRIVE, actor)
    state = chart.referral
    assert (state.state, state.custodian_facility) == (ReferralState.ARRIVED, "jimsar-general")
    assert (chart.keys(), state.end_reason) == (["treatment-start"], None)


def test_before_an_acceptance_an_arrival_is_a_matter_of_state() -> None:
    requested().refused(ARRIVE, GENERAL, "NOT_ALLOWED_IN_STATE")


def test_after_departure_nothing_is_cancelled() -> None:
    in_transit().refused(CANCEL, WUCAIWAN, "NOT_ALLOWED_IN_STATE")


def test_a_no_show_waits_for_the_end_of_the_window() -> None:
    chart = transport_arranged()
    window = chart.referral.hold_until
    assert window is not None
    chart.now = window - timedelta(seconds=1)
    refusal = chart.refused(c.ReportNoShow(), GENERAL, "WINDOW_NOT_PASSED")
    assert window.isoformat(timespec="minutes") in str(refusal)
    chart.now = window
    chart.refused(c.ReportNoShow(), GENERAL, "WINDOW_NOT_PASSED", occurred_at=window - timedelta(hours=1))
    chart.refused(c.ReportNoShow(), WUCAIWAN, "WRONG_FACILITY")
    chart.when(c.ReportNoShow(), GENERAL_BEDS)
    assert (chart.referral.state, chart.keys()) == (ReferralState.NO_SHOW, ["no-show"])
    ahead = transport_arranged()
    ahead.refused(c.ReportNoShow(), GENERAL, "WINDOW_NOT_PASSED", occurred_at=window + timedelta(days=1))


def test_after_a_no_show_transport_is_arranged_again_or_it_is_cancelled() -> None:
    assert told((ARRANGE, WUCAIWAN), chart=no_show()).referral.state is ReferralState.TRANSPORT_ARRANGED
    lapsed = told((bed(BedNews.HOLD_LAPSED), SYSTEM), chart=no_show())
    lapsed.refused(ARRANGE, WUCAIWAN, "BED_NOT_READY")
    assert told((CANCEL, WUCAIWAN), chart=no_show()).referral.state is ReferralState.CANCELLED
    no_show().refused(ARRIVE, GENERAL, "NOT_ALLOWED_IN_STATE")


def test_a_second_destination_does_not_report_for_the_first() -> None:
    chart = told((ARRIVE, GENERAL), chart=in_transit())
    assert isinstance(chart.refused(c.StartTreatment(), QITAI), NotFound)


def test_a_chart_is_not_shared() -> None:
    """The tests' own tool: a copy goes its own way."""
    chart = Chart()
    told((CREATE, WUCAIWAN), chart=chart.copy())
    assert chart.events == []
