"""Each row of the consultation's table: taken once, refused to the wrong party and in the wrong state."""

from dataclasses import replace

import pytest

from services.referral.domain import consultation
from services.referral.domain import consultation_commands as commands
from services.referral.domain.consultation_transitions import TABLE, Party, next_state, party_of
from services.referral.domain.consultation_values import ConsultationState, Recommendation
from services.shared.kernel.actor import Actor
from services.shared.kernel.refusals import NotAllowed, NotFound, NotPermitted
from tests.unit.referral.consultation.events import (
    BLURRED,
    BRANCH,
    BRANCH_COLLEAGUE,
    BRANCH_OFFICE,
    CENTRE_BED_DESK,
    COORDINATOR,
    CT,
    CT_AGAIN,
    EXPERT,
    EXPERT_COMES,
    OTHER_EXPERT,
    POTASSIUM,
    QITAI_COORDINATOR,
    REPORT,
    REQUEST,
    STRANGER,
    amended,
    cancelled,
    claimed,
    minute,
    released,
    reported,
    requested,
    resubmitted,
    returned,
    told,
)
from tests.unit.referral.consultation.scenario import Story, given

BETTER = replace(REPORT, conclusion="急性脑梗死，NIHSS 9", recommendation=Recommendation.OBSERVE)
SAMPLES: dict[type, commands.ConsultationCommand] = {
    commands.RequestConsultation: REQUEST,
    commands.ClaimConsultation: commands.ClaimConsultation(),
    commands.ReleaseClaim: commands.ReleaseClaim(),
    commands.ReturnConsultation: commands.ReturnConsultation(reason=BLURRED),
    commands.ResubmitConsultation: commands.ResubmitConsultation(),
    commands.ReportConsultation: commands.ReportConsultation(report=REPORT),
    commands.AmendReport: commands.AmendReport(report=BETTER, reason=BLURRED),
    commands.AcknowledgeCriticalValue: commands.AcknowledgeCriticalValue(handling="已予补钾"),
    commands.ConfirmExpertVisit: commands.ConfirmExpertVisit(),
    commands.RecordExpertVisit: commands.RecordExpertVisit(summary="手术顺利"),
    commands.CancelExpertVisit: commands.CancelExpertVisit(reason=BLURRED),
    commands.CancelConsultation: commands.CancelConsultation(reason=BLURRED),
}
HISTORIES: dict[ConsultationState, Story] = {
    ConsultationState.REQUESTED: given(requested()),
    ConsultationState.CLAIMED: given(requested(), claimed()),
    ConsultationState.RETURNED: given(requested(), claimed(), returned()),
    # with a critical value and an expert's visit, so that every row of the state has something to do
    ConsultationState.REPORTED: given(
        requested(),
        claimed(),
        reported(replace(EXPERT_COMES, critical_value=True, critical_values=(POTASSIUM,)), told(2)),
    ),
    ConsultationState.CANCELLED: given(requested(), cancelled()),
}
RIGHTFUL: dict[Party, Actor] = {
    Party.REQUESTER: BRANCH,
    Party.CENTRE: EXPERT,
    Party.CLAIMER: EXPERT,
    Party.EITHER: EXPERT,
}


def test_a_clinician_asks_a_centre() -> None:
    story = given().when(REQUEST, BRANCH, at=0).then(requested())
    assert (story.here.state, story.here.version) == (ConsultationState.REQUESTED, 1)
    assert story.here.due_at == minute(30)


def test_a_clinician_of_the_centre_claims() -> None:
    story = given(requested()).when(commands.ClaimConsultation(), EXPERT, at=1).then(claimed(until=11))
    assert story.here.claimed_by == EXPERT
    assert story.here.claim_expires_at == minute(11)


def test_two_claims_never_both_win() -> None:
    story = given(requested()).when(commands.ClaimConsultation(), EXPERT, at=1).then(claimed())
    refusal = story.when(commands.ClaimConsultation(), OTHER_EXPERT).refused(
        NotAllowed, "NOT_ALLOWED_IN_STATE"
    )
    assert isinstance(refusal, NotAllowed)
    assert refusal.state == "CLAIMED"
    assert refusal.allowed_commands == ("ReleaseClaim", "ReturnConsultation", "ReportConsultation")
    assert refusal.resource_name == story.here.name
    (rule,) = refusal.failed_rules
    assert rule.text.zh == "会诊已由 jimsar-general 的stroke-expert接单"
    assert rule.text.en == "the consultation is claimed by stroke-expert of jimsar-general"


def test_the_claimer_releases() -> None:
    story = given(requested(), claimed()).when(commands.ReleaseClaim(), EXPERT).then(released())
    assert story.here.state is ConsultationState.REQUESTED
    assert story.here.claimed_by is None
    assert story.here.claim_expires_at is None
    story.when(commands.ClaimConsultation(), OTHER_EXPERT, at=6).then(claimed(until=16))


def test_the_claimer_returns_with_a_reason() -> None:
    story = (
        given(requested(), claimed())
        .when(commands.ReturnConsultation(reason=BLURRED), EXPERT)
        .then(returned())
    )
    assert story.here.return_reason == BLURRED
    assert story.here.claimed_by is None


def test_the_requester_resubmits_and_the_promise_starts_anew() -> None:
    command = commands.ResubmitConsultation(clinical_summary="重新采集", attachments=(CT_AGAIN,))
    story = (
        given(requested(), claimed(), returned())
        .when(command, BRANCH_COLLEAGUE, at=20, occurred=3)
        .then(resubmitted(50))
    )
    assert story.here.state is ConsultationState.REQUESTED
    assert story.here.attachments == (CT_AGAIN,)
    assert story.here.clinical_summary == "重新采集"
    assert story.here.due_at == minute(50)
    assert story.here.return_reason is None


def test_what_a_resubmission_leaves_out_stays() -> None:
    given(requested(), claimed(), returned()).when(commands.ResubmitConsultation(), BRANCH, at=20).then(
        resubmitted(50, summary="右侧肢体无力 40 分钟", attachment=CT)
    )


def test_the_claimer_reports() -> None:
    story = (
        given(requested(), claimed())
        .when(commands.ReportConsultation(report=REPORT), EXPERT, at=12)
        .then(reported())
    )
    assert story.here.report == REPORT
    assert story.here.report_time == minute(12)
    assert story.here.claimed_by == EXPERT
    assert story.here.claim_expires_at is None
    assert not story.here.overdue


def test_anybody_of_the_centre_amends() -> None:
    command = commands.AmendReport(report=BETTER, reason=BLURRED)
    story = given(requested(), claimed(), reported()).when(command, OTHER_EXPERT, at=40).then(amended(BETTER))
    assert story.here.report == BETTER
    assert story.here.amendments == 1
    assert story.here.report_time == minute(40)
    assert not story.here.overdue
    assert story.when(command, EXPERT, at=41).then(amended(BETTER)).here.amendments == 2


@pytest.mark.parametrize("events", [(requested(),), (requested(), claimed(), returned())])
def test_the_requester_cancels(events: tuple[object, ...]) -> None:
    story = given(*events).when(commands.CancelConsultation(reason=BLURRED), BRANCH).then(cancelled())  # type: ignore[arg-type]
    assert story.here.cancel_reason == BLURRED
    assert story.here.state is ConsultationState.CANCELLED


@pytest.mark.parametrize("state", ConsultationState)
@pytest.mark.parametrize("command", SAMPLES.values(), ids=lambda command: type(command).__name__)
def test_the_rightful_party_may_do_exactly_what_the_table_allows(
    state: ConsultationState, command: commands.ConsultationCommand
) -> None:
    story = HISTORIES[state]
    rows = [
        row for row in TABLE if row.source is state and row.command is type(command) and not row.after_lapse
    ]
    outcome = story.when(command, RIGHTFUL[party_of(type(command))])
    if rows:
        (event,) = outcome.run()
        assert type(event) is rows[0].event
        assert outcome.then(event).here.state is (rows[0].target or state)
        assert type(command).__name__ in consultation.allowed_commands(story.here)
    else:
        refusal = outcome.refused(NotAllowed, "NOT_ALLOWED_IN_STATE")
        assert isinstance(refusal, NotAllowed)
        assert refusal.state == state.value
        assert refusal.allowed_commands == consultation.allowed_commands(story.here)
        assert type(command).__name__ not in refusal.allowed_commands


@pytest.mark.parametrize("state", ConsultationState)
@pytest.mark.parametrize("command", list(SAMPLES.values())[1:], ids=lambda command: type(command).__name__)
def test_the_other_side_may_not(state: ConsultationState, command: commands.ConsultationCommand) -> None:
    if party_of(type(command)) is Party.REQUESTER:
        others, reason = (EXPERT, BRANCH_OFFICE, COORDINATOR), "REQUESTER_ONLY"
    elif party_of(type(command)) is Party.EITHER:
        others, reason = (BRANCH_OFFICE, CENTRE_BED_DESK, COORDINATOR), "EITHER_ONLY"
    else:
        others, reason = (BRANCH, CENTRE_BED_DESK, COORDINATOR), "CENTRE_ONLY"
    for actor in others:
        HISTORIES[state].when(command, actor).refused(NotPermitted, reason)
    for stranger in (STRANGER, QITAI_COORDINATOR):
        HISTORIES[state].when(command, stranger).refused(NotFound)


@pytest.mark.parametrize(
    "command", [commands.ReleaseClaim, commands.ReturnConsultation, commands.ReportConsultation]
)
def test_only_the_claimer_answers(command: type) -> None:
    HISTORIES[ConsultationState.CLAIMED].when(SAMPLES[command], OTHER_EXPERT).refused(
        NotPermitted, "CLAIMER_ONLY"
    )


def test_a_request_comes_from_a_clinician_of_a_facility() -> None:
    given().when(REQUEST, BRANCH_OFFICE).refused(NotPermitted, "CLINICIAN_ONLY")
    given().when(REQUEST, replace(BRANCH, facility="")).refused(NotPermitted, "CLINICIAN_ONLY")


@pytest.mark.parametrize("command", list(SAMPLES.values())[1:], ids=lambda command: type(command).__name__)
def test_nothing_happens_to_what_does_not_exist(command: commands.ConsultationCommand) -> None:
    given().when(command, EXPERT).refused(NotFound)


def test_every_event_leads_to_one_state_wherever_it_happens() -> None:
    for row in TABLE:
        if row.source is not None:
            assert next_state(row.source, row.event) is (row.target or row.source)


def test_the_table_names_every_command_and_event() -> None:
    assert {row.command for row in TABLE} == set(consultation.COMMANDS)
    assert {row.event for row in TABLE} == set(consultation.EVENTS)
