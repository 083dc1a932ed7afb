"""The table as a whole: what it allows, what it refuses, who reads, and the pages generated from it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.referral.domain import commands as c
from services.referral.domain import commands_plan as pc
from services.referral.domain.commands_bypass import GrantBypass
from services.referral.domain.events import EVENTS, Event, ReferralExpired
from services.referral.domain.evolve import evolve
from services.referral.domain.examination_results import ExaminationResult, RepeatReason, ResultKind
from services.referral.domain.record_values import SummaryCompletion
from services.referral.domain.referral import COMMANDS, allowed_commands
from services.referral.domain.referral_state import is_terminal
from services.referral.domain.referral_values import ReferralState
from services.referral.domain.review_values import ReviewVerdict
from services.referral.domain.transition_lookup import INTERNAL
from services.referral.domain.transitions import TABLE
from services.shared.kernel.actor import Actor
from services.shared.kernel.command import EventMetadata, Recorded
from services.shared.kernel.refusals import NotAllowed, NotFound, NotPermitted
from tests.unit.referral.referral.chart import Chart, names
from tests.unit.referral.referral.network import (
    COORDINATOR,
    EAST,
    GENERAL,
    GENERAL_OFFICE,
    START,
    SYSTEM,
    WUCAIWAN,
    person,
)
from tests.unit.referral.referral.stories import (
    ACCEPT,
    ADVANCED,
    ARRANGE,
    ARRIVE,
    BACK,
    CANCEL,
    CLOSE,
    COMPLETE,
    CREATE,
    DEPART,
    DIED,
    ERROR,
    REASON,
    TO_STATE,
    down_arrived,
    requested,
)
from tests.unit.referral.table.tales import one_asks

BLOOD_COUNT = ExaminationResult(
    kind=ResultKind.LAB, item_name="血常规", performed_at=START, facility="wucaiwan", value="Hb 132 g/L"
)

#: One good command of each kind, and who gives it (when the origin is Wucaiwan).
GOOD: dict[type[c.Command], tuple[c.Command, Actor]] = {
    c.CreateReferral: (CREATE, WUCAIWAN),
    c.ApproveReferral: (c.ApproveReferral(), GENERAL_OFFICE),
    c.RefuseApproval: (c.RefuseApproval(reason=REASON), GENERAL_OFFICE),
    c.ReviewReferral: (
        c.ReviewReferral(verdict=ReviewVerdict.JUSTIFIED, reason=REASON),
        GENERAL_OFFICE,
    ),
    c.AcknowledgeOffer: (c.AcknowledgeOffer(), GENERAL),
    c.RequestInformation: (c.RequestInformation(questions=("CT？",)), GENERAL),
    c.ProvideInformation: (c.ProvideInformation(answers=("未见出血",)), WUCAIWAN),
    c.AcceptReferral: (ACCEPT, GENERAL),
    c.DeclineReferral: (c.DeclineReferral(reason=REASON), GENERAL),
    c.RerouteReferral: (c.RerouteReferral(destinations=("east-hospital",)), WUCAIWAN),
    c.WithdrawAcceptance: (c.WithdrawAcceptance(reason=REASON), GENERAL),
    c.ArrangeTransport: (ARRANGE, WUCAIWAN),
    c.DepartPatient: (replace(DEPART, transport=ADVANCED), WUCAIWAN),
    c.DivertPatient: (c.DivertPatient(destination_facility="east-hospital", reason=REASON), COORDINATOR),
    c.UpdateArrivalEstimate: (
        c.UpdateArrivalEstimate(estimated_arrival_time=START + timedelta(hours=9)),
        WUCAIWAN,
    ),
    c.ReportArrival: (ARRIVE, GENERAL),
    GrantBypass: (GrantBypass(reason=REASON), GENERAL),
    c.ReportNoShow: (c.ReportNoShow(), GENERAL),
    c.StartTreatment: (c.StartTreatment(), GENERAL),
    c.CompleteTreatment: (COMPLETE, GENERAL),
    c.ReferBack: (BACK, GENERAL),
    c.RecordFollowUp: (c.RecordFollowUp(findings="肌力4级"), GENERAL),
    pc.CompleteTask: (pc.CompleteTask(task="t1"), WUCAIWAN),
    pc.CancelTask: (pc.CancelTask(task="t1", reason=REASON), WUCAIWAN),
    pc.ExplainMissedTask: (pc.ExplainMissedTask(task="t1", reason=REASON), WUCAIWAN),
    pc.AmendPlan: (pc.AmendPlan(medications=("阿司匹林 100 mg",), reason=REASON), WUCAIWAN),
    pc.AcknowledgeOutcome: (pc.AcknowledgeOutcome(), WUCAIWAN),
    c.CloseReferral: (CLOSE, WUCAIWAN),
    c.CancelReferral: (CANCEL, WUCAIWAN),
    c.ConfirmCancellation: (c.ConfirmCancellation(), GENERAL),
    c.RecordDeath: (DIED(died_at=START, certifier="张医生"), WUCAIWAN),
    c.CompleteRecord: (
        c.CompleteRecord(clinical_summary=SummaryCompletion(symptoms="言语不清")),
        WUCAIWAN,
    ),
    c.AddResults: (c.AddResults(results=(BLOOD_COUNT,)), WUCAIWAN),
    c.RecordRepeat: (c.RecordRepeat(result="", reason=RepeatReason.CHANGES_FAST), GENERAL),
    c.MarkEnteredInError: (ERROR, WUCAIWAN),
    c.WithdrawErrorMark: (c.WithdrawErrorMark(), WUCAIWAN),
}


def _somebody(kind: type[c.Command], chart: Chart) -> Actor:
    """Who gives the command on this chart: its own facilities in their parts."""
    actor = GOOD[kind][1]
    if kind is c.RecordDeath:
        return person(chart.referral.custodian_facility, *WUCAIWAN.roles)
    if chart.referral.origin_facility == "wucaiwan":
        return actor
    return {"wucaiwan": GENERAL, "jimsar-general": person("changji-prefecture", *actor.roles)}.get(
        actor.facility, actor
    )


@pytest.mark.parametrize(("kind", "state"), [(kind, state) for kind in GOOD for state in ReferralState])
def test_each_command_in_each_state(kind: type[c.Command], state: ReferralState) -> None:
    """What the table allows happens; what it does not is refused with the commands that are allowed."""
    chart = TO_STATE[state]().later(hours=4)
    if kind is c.AcknowledgeOffer and state is ReferralState.INFO_REQUESTED:
        # Who asks has looked; another who was asked at the same time has not.
        chart = one_asks()
        assert names(chart.when(c.AcknowledgeOffer(), EAST)) == ["OfferAcknowledged"]
        return
    command, actor = GOOD[kind][0], _somebody(kind, chart)
    if kind is c.ReviewReferral and state is not ReferralState.AWAITING_APPROVAL:
        # Nothing here left the county: `test_review.py` has those that did.
        assert isinstance(chart.refused(command, actor), NotPermitted)
        return
    if kind in (c.ApproveReferral, c.RefuseApproval) and state is not ReferralState.AWAITING_APPROVAL:
        assert isinstance(chart.refused(command, actor), NotPermitted)
        return
    if kind in (c.ApproveReferral, c.RefuseApproval, c.ReviewReferral):
        actor = GENERAL_OFFICE
    if state is ReferralState.AWAITING_APPROVAL and actor.facility == "changji-prefecture":
        # Nobody is asked before the approval: there is no destination that could act.
        assert isinstance(chart.refused(command, actor), NotFound)
        return
    if kind.__name__ in allowed_commands(chart.referral):
        if isinstance(command, c.RecordRepeat):
            chart.when(GOOD[c.AddResults][0], actor)
            command = replace(command, result=chart.referral.results[0].name)
        assert chart.when(command, actor)
        return
    refusal = chart.refused(command, actor)
    if kind is c.RecordFollowUp and isinstance(refusal, NotPermitted):
        assert chart.referral.custodian_facility != actor.facility
        return
    assert isinstance(refusal, NotAllowed)
    assert refusal.state == state.value
    assert refusal.allowed_commands == allowed_commands(chart.referral)
    assert refusal.resource_name == chart.name


def test_the_table_has_every_command_and_event() -> None:
    assert set(COMMANDS) == GOOD.keys() | INTERNAL
    assert {outcome.event for row in TABLE for outcome in row.outcomes} == set(EVENTS)


def test_follow_ups_and_plans_are_allowed_on_a_referral_down_alone() -> None:
    down = {"RecordFollowUp", "CompleteTask", "CancelTask", "ExplainMissedTask", "AmendPlan"}
    assert down <= set(allowed_commands(down_arrived().referral))
    assert not down & set(allowed_commands(TO_STATE[ReferralState.ARRIVED]().referral))


def test_internal_commands_are_not_offered_to_anybody() -> None:
    for story in TO_STATE.values():
        assert not {"FollowBed", "MeetDeadline"} & set(allowed_commands(story().referral))


def test_the_refusal_says_the_state_in_both_languages() -> None:
    refusal = requested().refused(CLOSE, WUCAIWAN, "NOT_ALLOWED_IN_STATE")
    assert isinstance(refusal, NotAllowed)
    (rule,) = refusal.failed_rules
    assert rule.text.zh == "转诊单当前状态为“已申请”，不能结案"
    assert rule.text.en == "the referral is requested: it is not possible to close it"


def _recorded(event: Event) -> Recorded[Event]:
    metadata = EventMetadata(
        event_id="event",
        aggregate_id="referrals/x",
        version=1,
        type=type(event).__name__,
        occurred_at=START,
        recorded_at=START,
        actor=SYSTEM,
        request_id="request",
    )
    return Recorded(event=event, metadata=metadata)


def test_the_fold_refuses_what_the_table_does_not_have() -> None:
    with pytest.raises(ValueError, match="cannot follow None"):
        evolve(None, _recorded(ReferralExpired()))
    with pytest.raises(ValueError, match="cannot follow REQUESTED"):
        evolve(requested().referral, _recorded(requested().events[0]))


def test_the_fold_refuses_an_expiry_while_somebody_is_asked() -> None:
    with pytest.raises(ValueError, match="ReferralExpired cannot follow REQUESTED"):
        evolve(requested().referral, _recorded(ReferralExpired()))


def test_a_late_deadline_of_a_terminal_referral_is_none() -> None:
    for state, story in TO_STATE.items():
        chart = story()
        if is_terminal(chart.referral):
            assert chart.keys() == [], state
