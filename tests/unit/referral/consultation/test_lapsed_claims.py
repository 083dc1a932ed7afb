"""A claim that lapses opens the question to others, and loses no reading that is under way."""

import pytest

from services.operator.casefile.model import CommandStep
from services.operator.casefile.packaged import PACKAGED, case_path
from services.operator.casefile.reading import read_case
from services.referral.adapters.target_catalogue import load_catalogue
from services.referral.domain import consultation
from services.referral.domain import consultation_commands as commands
from services.referral.domain.consultation_values import ConsultationState
from services.referral.domain.values import Urgency
from services.shared.kernel.refusals import NotAllowed, NotPermitted
from tests.unit.referral.consultation.events import (
    BLURRED,
    BRANCH,
    EXPERT,
    OTHER_EXPERT,
    REPORT,
    SYSTEM,
    cancelled,
    claimed,
    released,
    reported,
    requested,
)
from tests.unit.referral.consultation.scenario import Story, given

ANSWER = commands.ReportConsultation(report=REPORT)


def lapsed() -> Story:
    story = given(requested(), claimed(until=11))
    key = next(each.key for each in consultation.deadlines(story.here) if each.key.startswith("claim"))
    return story.when(commands.MeetDeadline(key=key), SYSTEM, at=11).then(released(by_deadline=True))


def test_a_reading_that_outlasts_the_claim_is_reported() -> None:
    story = lapsed()
    assert story.here.state is ConsultationState.REQUESTED
    assert (story.here.claimed_by, story.here.lapsed_claimer) == (None, EXPERT)
    assert "ReportConsultation" in consultation.allowed_commands(story.here)
    done = story.when(ANSWER, EXPERT, at=18).then(reported()).here
    assert done.state is ConsultationState.REPORTED
    assert (done.claimed_by, done.lapsed_claimer, done.report) == (EXPERT, None, REPORT)
    assert not done.overdue


def test_it_is_nobody_elses_report() -> None:
    lapsed().when(ANSWER, OTHER_EXPERT, at=18).refused(NotPermitted, "CLAIMER_ONLY")
    lapsed().when(ANSWER, BRANCH, at=18).refused(NotPermitted, "CENTRE_ONLY")


def test_whoever_claims_next_has_the_question() -> None:
    story = lapsed().when(commands.ClaimConsultation(), OTHER_EXPERT, at=12).then(claimed(until=22))
    assert story.here.lapsed_claimer is None
    story.when(ANSWER, EXPERT, at=18).refused(NotPermitted, "CLAIMER_ONLY")
    # Nor does it come back when the second one gives the claim up.
    free = story.when(commands.ReleaseClaim(), OTHER_EXPERT, at=13).then(released())
    free.when(ANSWER, EXPERT, at=18).refused(NotAllowed, "NOT_ALLOWED_IN_STATE")


def test_a_claim_that_was_given_up_reports_nothing() -> None:
    free = given(requested(), claimed()).when(commands.ReleaseClaim(), EXPERT, at=5).then(released())
    refusal = free.when(ANSWER, EXPERT, at=6).refused(NotAllowed, "NOT_ALLOWED_IN_STATE")
    assert isinstance(refusal, NotAllowed)
    assert refusal.allowed_commands == ("ClaimConsultation", "CancelConsultation")


def test_a_lapsed_claim_can_only_be_reported() -> None:
    refusal = lapsed().when(commands.ReturnConsultation(reason=BLURRED), EXPERT, at=12)
    told = refusal.refused(NotAllowed, "NOT_ALLOWED_IN_STATE")
    assert isinstance(told, NotAllowed)
    assert told.allowed_commands == ("ClaimConsultation", "ReportConsultation", "CancelConsultation")


def test_a_question_that_is_taken_back_is_answered_no_more() -> None:
    over = lapsed().when(commands.CancelConsultation(reason=BLURRED), BRANCH, at=12).then(cancelled())
    over.when(ANSWER, EXPERT, at=18).refused(NotAllowed, "NOT_ALLOWED_IN_STATE")


@pytest.mark.parametrize("urgency", Urgency)
def test_a_claim_lasts_as_long_as_a_result_may_take(urgency: Urgency) -> None:
    policy = load_catalogue().consultation_policy
    assert policy.claim_lease.of(urgency) >= policy.result_due.of(urgency)


@pytest.mark.parametrize("name", PACKAGED)
def test_the_claim_covers_the_readings_of_the_packaged_cases(name: str) -> None:
    """Played at the speed of life, no case is interrupted by a lapse."""
    lease = load_catalogue().consultation_policy.claim_lease
    steps = [step for step in read_case(case_path(name)).steps if isinstance(step, CommandStep)]
    urgency, claimed_at = None, None
    for step in steps:
        match step.method.name:
            case "RequestConsultation":
                urgency = Urgency(step.fields["urgency"].removeprefix("URGENCY_"))
            case "ClaimConsultation":
                claimed_at = step.at
            case "ReportConsultation":
                assert urgency is not None
                assert claimed_at is not None
                assert step.at - claimed_at < lease.of(urgency)
