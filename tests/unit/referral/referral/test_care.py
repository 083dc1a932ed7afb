"""Treatment, the way back down, follow-up, closure."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.referral.domain import commands as c
from services.referral.domain.commands_plan import CompleteTask
from services.referral.domain.events import PatientReferredBack, TreatmentCompleted
from services.referral.domain.referral import child_needed, is_live
from services.referral.domain.referral_values import (
    BedRegion,
    CrewLevel,
    Dispatch,
    OfferState,
    ReferralState,
    Transport,
)
from services.referral.domain.rehabilitation import RehabilitationPlan, RehabilitationTask
from services.referral.domain.values import BedType, Direction, Pathway, Scope, Urgency
from services.shared.kernel.actor import Actor
from tests.unit.referral.referral.chart import names
from tests.unit.referral.referral.children import FOLLOW_UP, child_of, followed_up
from tests.unit.referral.referral.network import (
    GENERAL,
    TOWN,
    WUCAIWAN,
    WUCAIWAN_OFFICE,
)
from tests.unit.referral.referral.stories import (
    ACCEPT,
    ARRIVE,
    BACK,
    CANCEL,
    CLOSE,
    COMPLETE,
    DEPART,
    PLAN,
    SUMMARY,
    arrived,
    in_treatment,
    referred_back,
    told,
    treated,
)


def test_treatment_starts_and_ends_at_the_destination() -> None:
    chart = arrived()
    chart.refused(c.StartTreatment(), WUCAIWAN, "WRONG_FACILITY")
    assert names(chart.when(c.StartTreatment(), GENERAL)) == ["TreatmentStarted"]
    chart.refused(COMPLETE, WUCAIWAN, "WRONG_FACILITY")
    (event,) = chart.when(COMPLETE, GENERAL)
    assert isinstance(event, TreatmentCompleted)
    assert event.report_due_at == chart.now + timedelta(hours=24)
    state = chart.referral
    assert (state.state, state.discharge_summary) == (ReferralState.TREATED, SUMMARY)


def test_treatment_may_end_without_its_beginning_having_been_recorded() -> None:
    assert told((COMPLETE, GENERAL), chart=arrived()).referral.state is ReferralState.TREATED


def test_treatment_ends_with_a_discharge_summary() -> None:
    empty = c.CompleteTreatment(discharge_summary=replace(SUMMARY, summary=" "))
    in_treatment().refused(empty, GENERAL, "DISCHARGE_SUMMARY_MISSING")


def test_a_referral_back_names_the_child_after_the_request() -> None:
    chart = treated()
    (event,) = chart.when(replace(BACK, bed_type=BedType.GENERAL), GENERAL)
    assert isinstance(event, PatientReferredBack)
    state = chart.referral
    assert (state.state, state.referred_back_to) == (ReferralState.TREATED, event.referral)
    child = child_of(chart).referral
    assert child.name == event.referral
    assert child.state is ReferralState.REQUESTED
    assert (child.direction, child.scope) == (Direction.DOWN, Scope.WITHIN_COMMUNITY)
    assert (child.urgency, child.pathway) == (Urgency.ROUTINE, Pathway.REHABILITATION)
    assert (child.origin_facility, child.destination_facility) == ("jimsar-general", "jimsar-town")
    assert (child.parent, child.episode, child.patient) == (chart.name, state.episode, state.patient)
    assert (child.dispatch, child.bed_type, child.bed_region) == (
        Dispatch.IN_ORDER,
        BedType.GENERAL,
        BedRegion.REQUESTED,
    )
    plan = child.rehabilitation_plan
    assert plan is not None
    assert (plan.medications, plan.red_flags) == (PLAN.medications, PLAN.red_flags)
    assert [offer.state for offer in child.offers] == [OfferState.SENT]
    assert all(rule.passed for rule in child.norms)
    assert child.clinical_summary.treatment_given == "病情稳定"
    assert child.clinical_summary.diagnosis_code == "I63.9"


def test_a_township_without_a_department_takes_the_patient_back() -> None:
    chart = told((replace(BACK, destination_facility="wucaiwan"), GENERAL), chart=treated())
    assert all(rule.passed for rule in child_of(chart).referral.norms)


def test_a_referral_back_needs_the_whole_plan() -> None:
    for plan in (
        RehabilitationPlan(),
        replace(PLAN, tasks=()),
        replace(PLAN, tasks=(RehabilitationTask(description="训练", due_on=""),)),
        replace(PLAN, medications=()),
        replace(PLAN, red_flags=()),
        replace(PLAN, first_follow_up_on=""),
    ):
        refusal = treated().refused(replace(BACK, rehabilitation_plan=plan), GENERAL)
        assert "dated tasks" in str(refusal)
    wrong = replace(PLAN, first_follow_up_on="2026-02-31")
    treated().refused(replace(BACK, rehabilitation_plan=wrong), GENERAL, "INVALID_DATE")


def test_a_referral_back_goes_down_and_to_somebody_else() -> None:
    treated().refused(
        replace(BACK, destination_facility="east-hospital"), GENERAL, "NOT_DOWNWARD", "CAPABILITY"
    )
    treated().refused(replace(BACK, destination_facility="jimsar-general"), GENERAL, "ORIGIN")
    treated().refused(replace(BACK, destination_facility="nowhere"), GENERAL, "UNKNOWN_FACILITY")
    treated().refused(BACK, WUCAIWAN, "WRONG_FACILITY")


def test_a_referral_back_is_refused_while_another_one_is_live() -> None:
    treated().fact(live=("referrals/other",)).refused(BACK, GENERAL, "ONE_LIVE")
    chart = treated()
    assert chart.fact(live=(chart.name,)).when(BACK, GENERAL)


def test_the_patient_is_referred_back_once() -> None:
    chart = referred_back()
    assert child_needed(chart.referral, BACK) == chart.referral.referred_back_to
    chart.refused(BACK, GENERAL, "REFERRED_BACK_ALREADY")
    child = child_of(chart)
    chart.fact(child=child.referral).refused(BACK, GENERAL, "REFERRED_BACK_ALREADY")


def test_what_came_to_nothing_may_be_tried_again() -> None:
    chart = referred_back()
    child = told((CANCEL, GENERAL), chart=child_of(chart))
    chart.child = child.referral
    chart.when(replace(BACK, destination_facility="wucaiwan"), GENERAL)
    assert chart.referral.referred_back_to != child.name


def test_a_parent_that_waits_for_its_child_is_not_live() -> None:
    assert is_live(treated().referral)
    assert not is_live(referred_back().referral)
    assert is_live(child_of(referred_back()).referral)


def test_the_origin_closes_when_it_has_read_the_report() -> None:
    chart = treated()
    chart.refused(c.CloseReferral(), WUCAIWAN, "REPORT_NOT_ACKNOWLEDGED")
    chart.refused(CLOSE, GENERAL, "WRONG_FACILITY")
    chart.when(CLOSE, WUCAIWAN_OFFICE)
    assert (chart.referral.state, chart.keys()) == (ReferralState.CLOSED, [])


def test_a_referral_back_closes_when_the_child_was_followed_up() -> None:
    parent = referred_back()
    assert child_needed(parent.referral, CLOSE) == parent.referral.referred_back_to
    parent.refused(c.CloseReferral(), WUCAIWAN, "REPORT_NOT_ACKNOWLEDGED", "CHILD_NOT_FOLLOWED_UP")
    child = child_of(parent)
    parent.fact(child=child.referral).refused(CLOSE, WUCAIWAN, "CHILD_NOT_FOLLOWED_UP")
    arrived_only = told(
        (ACCEPT, TOWN),
        (replace(DEPART, transport=Transport(crew_level=CrewLevel.NONE)), GENERAL),
        (ARRIVE, TOWN),
        chart=child,
    )
    parent.fact(child=arrived_only.referral).refused(CLOSE, WUCAIWAN, "CHILD_NOT_FOLLOWED_UP")
    told((FOLLOW_UP, TOWN), chart=arrived_only)
    parent.child = arrived_only.referral
    parent.when(CLOSE, WUCAIWAN)
    assert parent.referral.state is ReferralState.CLOSED


@pytest.mark.parametrize(
    "end",
    [
        (CANCEL, GENERAL),
        (c.MarkEnteredInError(reason=CANCEL.reason), GENERAL),
        (c.RecordDeath(died_at=treated().now, certifier="张医生"), GENERAL),
    ],
)
def test_a_child_that_was_called_off_does_not_keep_the_parent_open(end: tuple[c.Command, Actor]) -> None:
    parent = referred_back()
    parent.child = told(end, chart=child_of(parent)).referral
    assert names(parent.when(CLOSE, WUCAIWAN)) == ["ReferralClosed"]


def test_a_child_that_nobody_took_keeps_the_parent_open() -> None:
    parent = referred_back()
    child = child_of(parent)
    child.due("decide")
    child.due("expire")
    parent.fact(child=child.referral).refused(CLOSE, WUCAIWAN, "CHILD_NOT_FOLLOWED_UP")


def test_the_child_closes_like_any_other_referral() -> None:
    child = followed_up(referred_back())
    assert child.referral.follow_ups[0].findings == "肌力4级"
    done = CompleteTask(task="t1")
    told((done, TOWN), (COMPLETE, TOWN), (CLOSE, GENERAL), chart=child)
    assert child.referral.state is ReferralState.CLOSED
