"""Who asked is late: a returned question that nobody mends, an expert's visit that nobody records."""

from dataclasses import replace

import pytest

from services.referral.domain import consultation
from services.referral.domain import consultation_commands as commands
from services.referral.domain.consultation_events import (
    ConsultationEvent,
    ConsultationReported,
    ConsultationReturned,
    ExpertVisitOverdue,
    ResubmissionOverdue,
)
from services.referral.domain.consultation_state import waiting_for
from services.referral.domain.consultation_values import ExpertVisitState
from services.referral.domain.values import Urgency
from tests.unit.referral.consultation.events import (
    BLURRED,
    BRANCH,
    EXPERT,
    EXPERT_COMES,
    REPORT,
    SYSTEM,
    VISIT,
    amended,
    cancelled,
    claimed,
    minute,
    reported,
    requested,
    resubmission_overdue,
    resubmitted,
    returned,
    visit_cancelled,
    visit_confirmed,
    visit_held,
    visit_overdue,
)
from tests.unit.referral.consultation.scenario import Story, given

RETURNED = (requested(), claimed(), returned())
PLANNED = (requested(), claimed(), reported(EXPERT_COMES))
#: The visit is on the third day; it is to be recorded two hours later.
AFTER_THE_VISIT = 50 * 60


def keys(story: Story) -> list[str]:
    return [deadline.key.partition(":")[0] for deadline in consultation.deadlines(story.here)]


def met(story: Story, at: float) -> Story:
    """Its deadline, given twice: a worker may die before it says so."""
    (due,) = consultation.deadlines(story.here)
    (event,) = (outcome := story.when(commands.MeetDeadline(key=due.key), SYSTEM, at=at)).run()
    after = outcome.then(event)
    after.when(commands.MeetDeadline(key=due.key), SYSTEM, at=at).then()
    return after


def test_a_returned_question_is_to_be_mended_within_its_limit() -> None:
    story = given(requested(), claimed())
    story.when(commands.ReturnConsultation(reason=BLURRED), EXPERT, at=5).then(returned(20))
    routine = given(requested(Urgency.ROUTINE), claimed())
    (event,) = routine.when(commands.ReturnConsultation(reason=BLURRED), EXPERT, at=5).run()
    assert isinstance(event, ConsultationReturned)
    assert event.resubmission_due_at == minute(5 + 240)


def test_a_question_that_nobody_mends_is_told_of_and_stays() -> None:
    story = given(*RETURNED)
    (due,) = consultation.deadlines(story.here)
    assert due.due_at == minute(20)
    late = story.when(commands.MeetDeadline(key=due.key), SYSTEM, at=20).then(resubmission_overdue())
    assert (late.here.resubmission_overdue, late.here.state) == (True, story.here.state)
    assert consultation.facets(late.here)["overdue"] is True
    assert keys(met(story, 20)) == []
    mended = late.when(commands.ResubmitConsultation(), BRANCH, at=30)
    (event,) = mended.run()
    assert (after := mended.then(event).here).resubmission_due_at is None
    assert consultation.facets(after)["overdue"] is False


def test_each_return_has_a_limit_of_its_own() -> None:
    twice = given(*RETURNED, resubmission_overdue(), resubmitted(50), claimed(31), returned(45))
    (due,) = consultation.deadlines(twice.here)
    assert due.due_at == minute(45)
    assert not twice.here.resubmission_overdue


@pytest.mark.parametrize("end", [resubmitted(50), cancelled()])
def test_what_is_mended_or_given_up_is_asked_after_no_more(end: ConsultationEvent) -> None:
    assert "resubmission" not in keys(given(*RETURNED, end))


def test_a_visit_that_nobody_records_is_told_of() -> None:
    story = given(*PLANNED)
    assert keys(story) == ["expert-visit"]
    assert waiting_for(story.here) == ()
    (due,) = consultation.deadlines(story.here)
    late = story.when(commands.MeetDeadline(key=due.key), SYSTEM, at=AFTER_THE_VISIT).then(visit_overdue())
    facets = consultation.facets(late.here)
    assert (facets["overdue"], facets["live"], facets["waiting"]) == (True, True, ["wucaiwan"])
    assert keys(late) == []
    recorded = late.when(commands.RecordExpertVisit(summary="手术顺利"), BRANCH, at=AFTER_THE_VISIT + 5)
    held = recorded.then(visit_held(AFTER_THE_VISIT + 5)).here
    assert held.expert_visit_state is ExpertVisitState.HELD
    assert consultation.facets(held)["overdue"] is False


def test_a_confirmed_visit_is_asked_after_too() -> None:
    assert keys(given(*PLANNED, visit_confirmed())) == ["expert-visit"]


@pytest.mark.parametrize("end", [visit_held(60), visit_cancelled("wucaiwan"), amended(REPORT)])
def test_a_visit_that_is_over_is_asked_after_no_more(end: ConsultationEvent) -> None:
    assert keys(given(*PLANNED, end)) == []


def test_a_report_without_a_visit_waits_for_none() -> None:
    (event,) = given(requested(), claimed()).when(commands.ReportConsultation(report=REPORT), EXPERT).run()
    assert isinstance(event, ConsultationReported)
    assert event.expert_visit_due_at is None


def test_a_visit_that_is_put_off_is_asked_after_anew() -> None:
    late = given(*PLANNED, visit_overdue())
    off = replace(VISIT, visit_at=minute(80 * 60))
    later = replace(EXPERT_COMES, expert_visit=off, expert_visit_at=off.visit_at)
    command = commands.AmendReport(report=later, reason=BLURRED)
    story = late.when(command, EXPERT, at=51 * 60).then(amended(later, visit=ExpertVisitState.PLANNED))
    (due,) = consultation.deadlines(story.here)
    assert due.due_at == minute(82 * 60)
    # Another wording of the report leaves the visit as late as it was.
    reworded = replace(EXPERT_COMES, conclusion="肝癌，可切除")
    command = commands.AmendReport(report=reworded, reason=BLURRED)
    (event,) = late.when(command, EXPERT, at=51 * 60).run()
    same = late.when(command, EXPERT, at=51 * 60).then(event)
    assert keys(same) == []
    assert same.here.expert_visit_overdue


def test_a_visit_before_its_report_is_recorded_from_the_receipt_on() -> None:
    past = replace(VISIT, visit_at=minute(1))
    report = replace(EXPERT_COMES, expert_visit=past, expert_visit_at=past.visit_at)
    (event,) = (
        given(requested(), claimed()).when(commands.ReportConsultation(report=report), EXPERT, at=9).run()
    )
    assert isinstance(event, ConsultationReported)
    assert event.expert_visit_due_at == minute(9 + 120)


def test_old_trails_are_asked_after_from_their_next_change_on() -> None:
    """The store adds what is new among the deadlines: so each change must make another key of it."""
    old = given(requested(), claimed(), replace(returned(), resubmission_due_at=None))
    (due,) = consultation.deadlines(old.here)
    assert due.due_at == minute(30)
    (event,) = old.when(commands.MeetDeadline(key=due.key), SYSTEM, at=40).run()
    assert isinstance(event, ResubmissionOverdue)
    planned = given(requested(), claimed(), replace(reported(EXPERT_COMES), expert_visit_due_at=None))
    (before,) = consultation.deadlines(planned.here)
    confirmed = planned.when(commands.ConfirmExpertVisit(), BRANCH, at=9).then(visit_confirmed())
    (after,) = consultation.deadlines(confirmed.here)
    assert (after.due_at, after.key == before.key) == (VISIT.visit_at, False)
    (event,) = confirmed.when(commands.MeetDeadline(key=after.key), SYSTEM, at=AFTER_THE_VISIT).run()
    assert isinstance(event, ExpertVisitOverdue)
    assert keys(met(confirmed, AFTER_THE_VISIT)) == []
