"""Critical values: told within their limit, acknowledged once, and told anew when they change."""

from dataclasses import replace

import pytest

from services.referral.domain import consultation
from services.referral.domain.consultation_commands import (
    AcknowledgeCriticalValue,
    AmendReport,
    MeetDeadline,
    ReportConsultation,
)
from services.referral.domain.consultation_values import ConsultationReport
from services.referral.domain.values import Urgency
from services.shared.kernel.command import Deadline
from services.shared.kernel.refusals import InvalidInput, NotAllowed
from tests.unit.referral.consultation.events import (
    BLURRED,
    BRANCH,
    BRANCH_COLLEAGUE,
    CRITICAL,
    EXPERT,
    OTHER_EXPERT,
    POTASSIUM,
    REPORT,
    SYSTEM,
    acknowledged,
    amended,
    claimed,
    minute,
    reported,
    requested,
    told,
    unanswered,
)
from tests.unit.referral.consultation.scenario import given


def _key(at: float) -> str:
    return f"critical-value:{minute(at).isoformat()}"


# ---- critical values ------------------------------------------------------------


def test_a_critical_value_is_told_with_the_report_and_waits_for_its_acknowledgement() -> None:
    command = ReportConsultation(report=replace(CRITICAL, critical_value=False))
    story = given(requested(), claimed()).when(command, EXPERT, at=5).then(reported(CRITICAL, told(5)))
    assert consultation.deadlines(story.here) == (Deadline(key=_key(35), due_at=minute(35)),)
    command = ReportConsultation(report=replace(REPORT, critical_value=True))
    given(requested(), claimed()).when(command, EXPERT, at=5).then(reported(command.report, told(5)))


@pytest.mark.parametrize(("at", "late"), [(11, False), (11.1, True)])
def test_telling_later_than_the_limit_is_marked(at: float, late: bool) -> None:
    """Found at minute 1, to be told within 10."""
    given(requested(), claimed()).when(ReportConsultation(report=CRITICAL), EXPERT, at=at).then(
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
    given(requested(), claimed()).when(ReportConsultation(report=late), EXPERT, at=5).refused(
        InvalidInput, "report.critical_values[1].found_at"
    )
