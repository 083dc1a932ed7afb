"""What a report carries: critical values and their acknowledgement, an expert's visit, a transfer."""

from dataclasses import replace

import pytest

from services.referral.domain import consultation
from services.referral.domain.consultation_commands import (
    AcknowledgeCriticalValue,
    AmendReport,
    CancelExpertVisit,
    ConfirmExpertVisit,
    MeetDeadline,
    RecordExpertVisit,
    ReportConsultation,
)
from services.referral.domain.consultation_values import (
    ConsultationReport,
    ExpertVisitState,
    Recommendation,
    TransferProposal,
)
from services.referral.domain.values import Urgency
from services.shared.kernel.command import Deadline
from services.shared.kernel.refusals import InvalidInput, NotAllowed
from tests.unit.referral.consultation.scenario import (
    BLURRED,
    BRANCH,
    BRANCH_COLLEAGUE,
    CRITICAL,
    CT,
    EXPERT,
    EXPERT_COMES,
    OTHER_EXPERT,
    POTASSIUM,
    REPORT,
    SYSTEM,
    VISIT,
    Story,
    acknowledged,
    amended,
    claimed,
    given,
    minute,
    reported,
    requested,
    told,
    unanswered,
    visit_cancelled,
    visit_confirmed,
    visit_held,
)

OLD_VISIT = replace(EXPERT_COMES, expert_visit=None)
TRANSFER = replace(REPORT, recommendation=Recommendation.TRANSFER, transfer_destination="jimsar-general")
PROPOSAL = TransferProposal(destinations=("jimsar-general", "changji-prefecture"), diagnosis_name="脑梗死")


def _claimed() -> Story:
    return given(requested(), claimed())


def _key(at: float) -> str:
    return f"critical-value:{minute(at).isoformat()}"


# ---- critical values ------------------------------------------------------------


def test_a_critical_value_is_told_with_the_report_and_waits_for_its_acknowledgement() -> None:
    command = ReportConsultation(report=replace(CRITICAL, critical_value=False))
    story = _claimed().when(command, EXPERT, at=5).then(reported(CRITICAL, told(5)))
    assert consultation.deadlines(story.here) == (Deadline(key=_key(35), due_at=minute(35)),)
    command = ReportConsultation(report=replace(REPORT, critical_value=True))
    _claimed().when(command, EXPERT, at=5).then(reported(command.report, told(5)))


@pytest.mark.parametrize(("at", "late"), [(11, False), (11.1, True)])
def test_telling_later_than_the_limit_is_marked(at: float, late: bool) -> None:
    """Found at minute 1, to be told within 10."""
    _claimed().when(ReportConsultation(report=CRITICAL), EXPERT, at=at).then(
        reported(CRITICAL, told(at, late=late))
    )


def test_the_limits_are_those_of_the_urgency() -> None:
    story = given(requested(Urgency.ROUTINE), claimed())
    (event,) = story.when(ReportConsultation(report=CRITICAL), EXPERT, at=5).run()
    assert event == replace(reported(CRITICAL, told(5, within=60)), urgency=Urgency.ROUTINE)


def test_the_requester_acknowledges_once() -> None:
    story = given(requested(), claimed(), reported(CRITICAL, told(2)))
    command = AcknowledgeCriticalValue(handling="已予补钾")
    story = story.when(command, BRANCH_COLLEAGUE, at=20).then(acknowledged())
    notice = story.here.critical_value_notice
    assert notice is not None
    assert notice == replace(
        told(2),
        acknowledged=True,
        acknowledged_by=BRANCH_COLLEAGUE,
        acknowledged_at=minute(20),
        handling="已予补钾",
    )
    assert consultation.deadlines(story.here) == ()
    story.when(MeetDeadline(key=_key(32)), SYSTEM, at=32).then()
    story.when(command, BRANCH, at=21).refused(NotAllowed, "ACKNOWLEDGED_ALREADY")


def test_without_a_critical_value_there_is_nothing_to_acknowledge() -> None:
    given(requested(), claimed(), reported()).when(AcknowledgeCriticalValue(), BRANCH).refused(
        NotAllowed, "NO_CRITICAL_VALUE"
    )


def test_an_overdue_acknowledgement_is_said_once_and_may_still_come() -> None:
    story = given(requested(), claimed(), reported(CRITICAL, told(2)))
    meet = MeetDeadline(key=_key(32))
    story = story.when(meet, SYSTEM, at=32).then(unanswered(32))
    assert consultation.deadlines(story.here) == ()
    story.when(meet, SYSTEM, at=33).then()
    story = story.when(AcknowledgeCriticalValue(handling="已予补钾"), BRANCH, at=32).then(acknowledged())
    assert story.here.critical_value_notice is not None
    assert story.here.critical_value_notice.overdue


def test_an_acknowledgement_between_the_deadline_and_its_handling_is_late_all_the_same() -> None:
    story = given(requested(), claimed(), reported(CRITICAL, told(2)))
    command = AcknowledgeCriticalValue(handling="已予补钾")
    for at, late in ((32, False), (32.1, True)):
        notice = story.when(command, BRANCH, at=at).then(acknowledged()).here.critical_value_notice
        assert notice is not None
        assert notice.overdue is late


def test_an_amendment_with_the_same_values_asks_for_nothing_anew() -> None:
    story = given(requested(), claimed(), reported(CRITICAL, told(2)), acknowledged())
    notice = story.here.critical_value_notice
    same = replace(CRITICAL, conclusion="急性脑梗死，低钾")
    story = story.when(AmendReport(report=same, reason=BLURRED), EXPERT, at=9).then(amended(same, notice))
    assert consultation.deadlines(story.here) == ()


@pytest.mark.parametrize(
    "report",
    [
        replace(CRITICAL, critical_values=(replace(POTASSIUM, value="2.1"),)),
        replace(REPORT, critical_value=True),
    ],
)
def test_an_amendment_with_other_or_untyped_values_is_told_anew(report: ConsultationReport) -> None:
    story = given(requested(), claimed(), reported(CRITICAL, told(2)), acknowledged())
    command = AmendReport(report=report, reason=BLURRED)
    story = story.when(command, OTHER_EXPERT, at=9).then(amended(report, told(9)))
    assert [deadline.key for deadline in consultation.deadlines(story.here)] == [_key(39)]
    # The untyped cannot be compared with themselves either.
    (event,) = story.when(
        AmendReport(report=replace(REPORT, critical_value=True), reason=BLURRED), EXPERT
    ).run()
    assert event == amended(replace(REPORT, critical_value=True), told(5))


def test_an_amendment_without_the_values_ends_the_waiting() -> None:
    story = given(requested(), claimed(), reported(CRITICAL, told(2)))
    story = story.when(AmendReport(report=REPORT, reason=BLURRED), EXPERT, at=9).then(amended(REPORT))
    assert consultation.deadlines(story.here) == ()
    story.when(AcknowledgeCriticalValue(), BRANCH, at=10).refused(NotAllowed, "NO_CRITICAL_VALUE")


def test_a_value_is_found_before_it_is_reported() -> None:
    late = replace(CRITICAL, critical_values=(POTASSIUM, replace(POTASSIUM, found_at=minute(6))))
    _claimed().when(ReportConsultation(report=late), EXPERT, at=5).refused(
        InvalidInput, "report.critical_values[1].found_at"
    )


# ---- the expert's visit ------------------------------------------------------------


@pytest.mark.parametrize("report", [EXPERT_COMES, replace(EXPERT_COMES, expert="", expert_visit_at=None)])
def test_an_expert_comes_to_the_patient(report: ConsultationReport) -> None:
    story = _claimed().when(ReportConsultation(report=report), EXPERT).then(reported(EXPERT_COMES))
    assert story.here.expert_visit_state is ExpertVisitState.PLANNED


def test_older_callers_say_who_and_when() -> None:
    whole = replace(EXPERT_COMES, expert_visit=replace(VISIT, from_facility="", department="", purpose=""))
    _claimed().when(ReportConsultation(report=OLD_VISIT), EXPERT).then(reported(whole))


def test_a_visit_is_confirmed_and_held() -> None:
    story = given(requested(), claimed(), reported(EXPERT_COMES))
    story = story.when(ConfirmExpertVisit(), BRANCH).then(visit_confirmed())
    assert story.here.expert_visit_state is ExpertVisitState.CONFIRMED
    story.when(ConfirmExpertVisit(), BRANCH).refused(NotAllowed, "VISIT_CONFIRMED")
    story = story.when(RecordExpertVisit(summary="手术顺利"), BRANCH, at=90, occurred=60).then(visit_held(60))
    assert story.here.expert_visit_held_at == minute(60)
    for command, by in (
        (ConfirmExpertVisit(), BRANCH),
        (RecordExpertVisit(summary="再记"), BRANCH),
        (CancelExpertVisit(reason=BLURRED), EXPERT),
    ):
        story.when(command, by).refused(NotAllowed, "VISIT_OVER")


def test_a_visit_may_be_held_without_confirmation() -> None:
    story = given(requested(), claimed(), reported(EXPERT_COMES))
    story.when(RecordExpertVisit(summary="手术顺利"), BRANCH, at=60).then(visit_held(60))


@pytest.mark.parametrize(("by", "told_facility"), [(BRANCH, "jimsar-general"), (EXPERT, "wucaiwan")])
def test_either_side_cancels_a_visit_and_the_other_is_told(by: object, told_facility: str) -> None:
    story = given(requested(), claimed(), reported(EXPERT_COMES))
    command = CancelExpertVisit(reason=BLURRED)
    story = story.when(command, by).then(visit_cancelled(told_facility))  # type: ignore[arg-type]
    assert story.here.expert_visit_state is ExpertVisitState.CANCELLED
    assert story.here.expert_visit_cancel_reason == BLURRED
    story.when(command, EXPERT).refused(NotAllowed, "VISIT_OVER")


def test_without_a_visit_there_is_nothing_to_confirm_hold_or_cancel() -> None:
    story = given(requested(), claimed(), reported())
    story.when(ConfirmExpertVisit(), BRANCH).refused(NotAllowed, "NO_EXPERT_VISIT")
    story.when(RecordExpertVisit(summary="x"), BRANCH).refused(NotAllowed, "NO_EXPERT_VISIT")
    story.when(CancelExpertVisit(reason=BLURRED), EXPERT).refused(NotAllowed, "NO_EXPERT_VISIT")


def test_an_amendment_keeps_a_visit_or_plans_it_anew() -> None:
    story = given(requested(), claimed(), reported(EXPERT_COMES), visit_cancelled("wucaiwan"))
    same = replace(EXPERT_COMES, findings="补充所见")
    kept = story.when(AmendReport(report=same, reason=BLURRED), EXPERT).then(
        amended(same, visit=ExpertVisitState.CANCELLED)
    )
    assert kept.here.expert_visit_cancel_reason == BLURRED
    later = replace(VISIT, visit_at=minute(60 * 72))
    moved = replace(EXPERT_COMES, expert_visit=later, expert_visit_at=later.visit_at)
    story = story.when(AmendReport(report=moved, reason=BLURRED), EXPERT).then(
        amended(moved, visit=ExpertVisitState.PLANNED)
    )
    assert story.here.expert_visit_cancel_reason is None
    story = story.when(AmendReport(report=REPORT, reason=BLURRED), EXPERT).then(amended(REPORT))
    assert story.here.expert_visit_state is None


# ---- a transfer, and what does not fit ------------------------------------------------------------


def test_a_transfer_proposes_a_referral() -> None:
    whole = replace(TRANSFER, transfer=TransferProposal(destinations=("jimsar-general",)))
    _claimed().when(ReportConsultation(report=TRANSFER), EXPERT).then(reported(whole))
    typed = replace(TRANSFER, transfer=PROPOSAL)
    _claimed().when(ReportConsultation(report=typed), EXPERT).then(reported(typed))
    bare = replace(TRANSFER, transfer_destination="")
    _claimed().when(ReportConsultation(report=replace(bare, transfer=PROPOSAL)), EXPERT).then(reported(typed))
    _claimed().when(ReportConsultation(report=bare), EXPERT).then(
        reported(replace(bare, transfer=TransferProposal()))
    )


@pytest.mark.parametrize(
    ("report", "fields"),
    [
        (replace(OLD_VISIT, expert=" "), ("report.expert",)),
        (replace(OLD_VISIT, expert_visit_at=None), ("report.expert_visit_at",)),
        (replace(OLD_VISIT, expert="", expert_visit_at=None), ("report.expert", "report.expert_visit_at")),
        (
            replace(EXPERT_COMES, recommendation=Recommendation.OBSERVE),
            ("report.expert", "report.expert_visit_at", "report.expert_visit"),
        ),
        (
            replace(EXPERT_COMES, expert="别人", expert_visit_at=minute(1)),
            ("report.expert", "report.expert_visit_at"),
        ),
        (
            replace(EXPERT_COMES, expert="", expert_visit=replace(VISIT, expert=" ")),
            ("report.expert_visit.expert",),
        ),
        (
            replace(EXPERT_COMES, expert_visit=replace(VISIT, from_facility="wucaiwan")),
            ("report.expert_visit.from_facility",),
        ),
        (
            replace(TRANSFER, recommendation=Recommendation.OBSERVE, transfer=PROPOSAL),
            ("report.transfer_destination", "report.transfer"),
        ),
        (replace(TRANSFER, transfer_destination="wucaiwan"), ("report.transfer_destination",)),
        (
            replace(TRANSFER, transfer=TransferProposal(destinations=("jimsar-general", "wucaiwan"))),
            ("report.transfer.destinations[1]",),
        ),
        (
            replace(TRANSFER, transfer=TransferProposal(destinations=("jimsar-general",) * 2)),
            ("report.transfer.destinations[1]",),
        ),
        (
            replace(TRANSFER, transfer=TransferProposal(destinations=("changji-prefecture",))),
            ("report.transfer_destination",),
        ),
        (
            replace(REPORT, attachments=(CT, replace(CT, uri="ftp://x/1"))),
            ("report.attachments[1].uri",),
        ),
    ],
)
def test_a_reports_fields_fit_together(report: ConsultationReport, fields: tuple[str, ...]) -> None:
    _claimed().when(ReportConsultation(report=report), EXPERT).refused(InvalidInput, *fields)
    given(requested(), claimed(), reported()).when(
        AmendReport(report=report, reason=BLURRED), EXPERT
    ).refused(InvalidInput, *fields)
