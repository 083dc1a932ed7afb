"""Creation and approval."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.referral.domain import commands as c
from services.referral.domain.events import ApprovalRefused, ReferralApproved, ReferralRequested
from services.referral.domain.referral_values import (
    BedRegion,
    Consent,
    Dispatch,
    NormOverride,
    OfferState,
    ReferralState,
)
from services.referral.domain.rehabilitation import RehabilitationTask
from services.referral.domain.values import CodedReason, Direction, Pathway, Scope, Urgency
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.ids import resource_name
from services.shared.kernel.refusals import NotAllowed, NotFound, NotPermitted
from tests.unit.referral.referral.chart import Chart, names
from tests.unit.referral.referral.network import (
    AMBULANCE,
    CHANGJI,
    CHANGJI_OFFICE,
    GENERAL,
    GENERAL_BEDS,
    GENERAL_OFFICE,
    OPERATOR,
    SYSTEM,
    WUCAIWAN,
    WUCAIWAN_OFFICE,
    person,
)
from tests.unit.referral.referral.stories import (
    CREATE,
    NO_REASON,
    OUT_OF_COUNTY,
    PLAN,
    REASON,
    ROUTINE,
    awaiting_approval,
    requested,
    told,
)


def test_a_stroke_of_the_branch_is_offered_to_the_county_stroke_centre() -> None:
    chart = requested()
    event = chart.events[0]
    assert isinstance(event, ReferralRequested)
    state = chart.referral
    assert (state.state, state.version, state.name) == (ReferralState.REQUESTED, 1, chart.name)
    assert (state.direction, state.scope) == (Direction.UP, Scope.WITHIN_COMMUNITY)
    assert (state.origin_facility, state.custodian_facility) == ("wucaiwan", "wucaiwan")
    assert state.destination_facility == "jimsar-general"
    assert state.bed_region is BedRegion.REQUESTED
    (offer,) = state.offers
    assert (offer.facility, offer.state, offer.travel_minutes) == ("jimsar-general", OfferState.SENT, 95)
    assert offer.acknowledge_by == chart.now + timedelta(minutes=2)
    assert offer.decide_by == chart.now + timedelta(minutes=10)
    assert offer.name == resource_name("offers", chart.context(WUCAIWAN).request_id, "0")
    assert [(rule.code, rule.passed) for rule in state.norms] == [
        ("LEVEL_BY_LEVEL", True),
        ("CAPABILITY", True),
        ("NEAREST_CAPABLE", True),
        ("APPROVAL", True),
        ("INSURANCE_FILING", True),
        ("DOWN_READY", True),
        ("CONSENT", True),
        ("ONE_LIVE", True),
    ]
    assert event.expires_at == offer.decide_by + timedelta(hours=2)


def test_without_an_episode_a_new_one_is_named_after_the_request() -> None:
    chart = requested()
    assert chart.referral.episode == resource_name("episodes", chart.context(WUCAIWAN).request_id)
    named = "episodes/5d9f7c5e-0000-4000-8000-000000000009"
    assert requested(replace(CREATE, episode=named)).referral.episode == named


def test_deadlines_count_from_receipt_and_not_from_the_clinical_time() -> None:
    chart = Chart()
    chart.when(CREATE, WUCAIWAN, occurred_at=chart.now - timedelta(hours=5))
    assert chart.referral.offers[0].decide_by == chart.now + timedelta(minutes=10)


def test_in_order_asks_the_first_and_lists_the_rest() -> None:
    chart = requested(replace(ROUTINE, destinations=("jimsar-general", "east-hospital")))
    assert [offer.facility for offer in chart.referral.offers] == ["jimsar-general"]
    assert chart.referral.next_destinations == ("east-hospital",)
    assert chart.referral.expires_at == chart.now + timedelta(hours=96, days=7)


def test_first_to_accept_asks_all_at_once() -> None:
    both = replace(
        CREATE, destinations=("jimsar-general", "east-hospital"), dispatch=Dispatch.FIRST_TO_ACCEPT
    )
    chart = requested(both)
    assert [offer.facility for offer in chart.referral.offers] == ["jimsar-general", "east-hospital"]
    assert len({offer.name for offer in chart.referral.offers}) == 2
    assert chart.referral.next_destinations == ()
    assert chart.referral.destination_facility == "jimsar-general"


def test_a_referral_without_a_bed_needs_none() -> None:
    assert requested(replace(CREATE, bed_type=None)).referral.bed_region is BedRegion.NOT_NEEDED


@pytest.mark.parametrize("actor", [WUCAIWAN_OFFICE, GENERAL_BEDS, AMBULANCE, OPERATOR, SYSTEM])
def test_only_a_clinician_of_a_facility_refers(actor: Actor) -> None:
    assert isinstance(Chart().refused(CREATE, actor), NotPermitted)


def test_a_facility_that_the_directory_does_not_know_cannot_refer() -> None:
    stranger = person("elsewhere", Role.CLINICIAN)
    Chart().refused(CREATE, stranger, "FACILITY_NOT_IN_DIRECTORY")


def test_every_wrong_field_is_named_at_once() -> None:
    plan = replace(
        PLAN,
        tasks=(RehabilitationTask(description="训练", due_on="2026-02-30"),),
        first_follow_up_on="2026-13-01",
    )
    command = replace(
        CREATE,
        destinations=("nowhere", "wucaiwan", "jimsar-general", "jimsar-general"),
        overrides=(NormOverride(rule="NO_SUCH_RULE", reason=REASON),),
        rehabilitation_plan=plan,
    )
    chart = Chart(episode_patient="somebody-else")
    refusal = chart.refused(
        command,
        WUCAIWAN,
        "UNKNOWN_FACILITY",
        "ORIGIN",
        "DUPLICATE",
        "UNKNOWN_RULE",
        "INVALID_DATE",
        "INVALID_DATE",
        "PATIENT_MISMATCH",
    )
    assert "destinations[0]" in str(refusal)
    Chart().refused(replace(CREATE, destinations=()), WUCAIWAN, "EMPTY")


def test_the_patient_of_the_episode_is_the_patient() -> None:
    chart = Chart(episode_patient=CREATE.patient)
    assert names(chart.when(CREATE, WUCAIWAN)) == ["ReferralRequested"]


def test_all_norms_that_fail_are_named_at_once() -> None:
    command = replace(
        CREATE,
        urgency=Urgency.ROUTINE,
        pathway=Pathway.HEMODIALYSIS,
        destinations=("xinjiang-4th",),
        consent=Consent(emergency_exception=True),
    )
    chart = Chart(live=("referrals/other",))
    refusal = chart.refused(command, WUCAIWAN, "LEVEL_BY_LEVEL", "CAPABILITY", "CONSENT", "ONE_LIVE")
    assert isinstance(refusal, NotAllowed)
    assert refusal.allowed_commands == ("CreateReferral",)
    assert all(rule.text.zh and rule.text.en for rule in refusal.failed_rules)


def test_a_norm_is_overridden_with_a_coded_reason_that_the_event_keeps() -> None:
    elsewhere = replace(CREATE, destinations=("east-hospital",))
    Chart().refused(elsewhere, WUCAIWAN, "NEAREST_CAPABLE")
    reason = CodedReason(code="ROAD_CLOSED")
    override = NormOverride(rule="NEAREST_CAPABLE", reason=reason)
    chart = requested(replace(elsewhere, overrides=(override,)))
    (nearest,) = [rule for rule in chart.referral.norms if rule.code == "NEAREST_CAPABLE"]
    assert (nearest.passed, nearest.override) == (False, reason)


def test_an_override_of_a_rule_that_allows_none_changes_nothing() -> None:
    override = NormOverride(rule="CONSENT", reason=REASON)
    Chart().refused(replace(CREATE, consent=Consent(), overrides=(override,)), WUCAIWAN, "CONSENT")


def test_out_of_the_county_waits_for_the_lead_facility() -> None:
    chart = awaiting_approval()
    state = chart.referral
    assert state.state is ReferralState.AWAITING_APPROVAL
    assert (state.offers, state.next_destinations) == ((), ("changji-prefecture",))
    assert (state.approval_facility, state.destination_facility) == ("jimsar-general", "changji-prefecture")
    assert state.expires_at == chart.now + timedelta(days=7)


def test_an_emergency_out_of_the_county_goes_at_once_and_is_reviewed_afterwards() -> None:
    chart = told((replace(OUT_OF_COUNTY, urgency=Urgency.EMERGENCY, pathway=Pathway.TRAUMA), GENERAL))
    state = chart.referral
    assert state.state is ReferralState.REQUESTED
    assert (state.approval_in_retrospect, state.approval_facility) == (True, "jimsar-general")


def test_approval_opens_the_offer() -> None:
    chart = awaiting_approval().later(hours=1)
    (event,) = chart.when(c.ApproveReferral(), GENERAL_OFFICE)
    assert isinstance(event, ReferralApproved)
    assert chart.referral.state is ReferralState.REQUESTED
    assert [offer.facility for offer in chart.referral.offers] == ["changji-prefecture"]
    assert chart.referral.offers[0].sent_at == chart.now
    assert chart.referral.next_destinations == ()
    assert chart.referral.expires_at == chart.now + timedelta(hours=48, days=7)


@pytest.mark.parametrize("command", [c.ApproveReferral(), c.RefuseApproval(reason=REASON)])
def test_only_the_referral_office_of_the_lead_facility_approves(command: c.Command) -> None:
    chart = awaiting_approval()
    chart.refused(command, GENERAL, "WRONG_ROLE")
    assert isinstance(chart.refused(command, CHANGJI_OFFICE), NotFound)
    chart.refused(command, OPERATOR, "WRONG_FACILITY")
    told((c.ApproveReferral(), GENERAL_OFFICE), chart=chart)
    chart.refused(command, CHANGJI_OFFICE, "WRONG_FACILITY")
    chart.refused(command, GENERAL_OFFICE, "NOT_ALLOWED_IN_STATE")


def test_refused_approval_ends_in_declined_with_its_reason() -> None:
    chart = awaiting_approval().later(hours=1)
    chart.refused(c.RefuseApproval(reason=NO_REASON), GENERAL_OFFICE, "REASON_MISSING")
    (event,) = chart.when(c.RefuseApproval(reason=REASON), GENERAL_OFFICE)
    assert isinstance(event, ApprovalRefused)
    state = chart.referral
    assert (state.state, state.end_reason) == (ReferralState.DECLINED, REASON)
    assert (state.next_destinations, chart.keys()) == ((), ["expire"])
    assert state.expires_at == chart.now + timedelta(days=7)


def test_re_routing_cannot_skip_a_refused_approval() -> None:
    chart = told((c.RefuseApproval(reason=REASON), GENERAL_OFFICE), chart=awaiting_approval())
    again = c.RerouteReferral(destinations=("changji-prefecture",))
    chart.refused(again, GENERAL, "APPROVAL")
    assert names(chart.when(c.RerouteReferral(destinations=("east-hospital",)), GENERAL)) == [
        "ReferralRerouted"
    ]
    assert chart.referral.end_reason is None


def test_an_approval_covers_a_later_destination_out_of_the_county() -> None:
    chart = told((c.ApproveReferral(), GENERAL_OFFICE), chart=awaiting_approval())
    told((c.DeclineReferral(reason=REASON), CHANGJI), chart=chart)
    other = c.RerouteReferral(destinations=("xinjiang-4th",))
    chart.refused(other, GENERAL, "LEVEL_BY_LEVEL")
    override = NormOverride(rule="LEVEL_BY_LEVEL", reason=REASON)
    chart.when(replace(other, overrides=(override,)), GENERAL)
    assert chart.referral.state is ReferralState.REQUESTED
    assert chart.referral.insurance_filing_needed
