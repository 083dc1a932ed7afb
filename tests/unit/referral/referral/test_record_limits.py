"""Until when a record is to be complete, and what is said when it is not."""

from dataclasses import replace
from datetime import timedelta

from services.referral.domain import commands as c
from services.referral.domain.events import (
    RecordCompleted,
    RecordLeftIncomplete,
    RecordOverdue,
    ReferralRequested,
)
from services.referral.domain.policy import DEFAULT_POLICY
from services.referral.domain.record_rules import DEFAULT_RECORD_RULES, RecordRules
from services.referral.domain.referral_values import ReferralState
from tests.unit.referral.referral.chart import Chart, names
from tests.unit.referral.referral.minimal_records import LIMIT, bare, limited
from tests.unit.referral.referral.network import SYSTEM, WUCAIWAN, WUCAIWAN_OFFICE
from tests.unit.referral.referral.records import RECORD
from tests.unit.referral.referral.stories import ALL, BARE, BARE_SUMMARY, DIED, REST, closed, requested, told


def test_the_origin_completes_it_in_time() -> None:
    chart = bare().later(hours=6)
    (event,) = chart.when(ALL, WUCAIWAN_OFFICE)
    assert isinstance(event, RecordCompleted)
    assert (event.late, event.missing_elements, event.facility) == (False, (), "wucaiwan")
    referral = chart.referral
    assert referral.record == RECORD
    assert referral.clinical_summary == replace(
        BARE_SUMMARY, symptoms="偏瘫", treatment_given="溶栓", allergies="青霉素", diagnosis_code="I63.9"
    )
    assert referral.record_completed_at == chart.now
    assert not limited(chart)
    (completion,) = referral.record_completions
    assert (completion.completed_by, completion.late) == (WUCAIWAN_OFFICE.user, False)


def test_a_late_completion_is_taken_and_marked() -> None:
    chart = bare()
    chart.due("record")
    (event,) = chart.later(seconds=1).when(ALL, WUCAIWAN)
    assert isinstance(event, RecordCompleted)
    assert event.late
    assert chart.referral.record_completions[0].late
    assert chart.referral.record_overdue
    assert chart.referral.missing_elements == ()


def test_the_limit_passes_once() -> None:
    chart = bare()
    start = chart.now
    (event,) = chart.due("record")
    assert event == RecordOverdue(facility="wucaiwan", missing_elements=DEFAULT_RECORD_RULES.elements_up)
    assert chart.now == start + LIMIT
    assert chart.referral.record_overdue
    assert chart.referral.state is ReferralState.REQUESTED
    assert chart.when(c.MeetDeadline(key="record"), SYSTEM) == ()


def test_the_limit_of_a_completed_record_passes_unseen() -> None:
    chart = told((ALL, WUCAIWAN), chart=bare())
    assert chart.later(hours=7).when(c.MeetDeadline(key="record"), SYSTEM) == ()


def test_half_a_completion_leaves_the_limit() -> None:
    chart = told((c.CompleteRecord(clinical_summary=REST), WUCAIWAN), chart=bare())
    assert chart.referral.record is None
    assert limited(chart)
    assert "clinical_summary.symptoms" not in chart.referral.missing_elements
    assert names(chart.due("record")) == ["RecordOverdue"]


def test_nobody_is_asked_after_the_end() -> None:
    chart = bare()
    chart.when(DIED(died_at=chart.now, certifier="张医生"), WUCAIWAN)
    assert chart.keys() == []
    chart.refused(ALL, WUCAIWAN, "NOT_ALLOWED_IN_STATE")
    closed().refused(ALL, WUCAIWAN, "NOT_ALLOWED_IN_STATE")


def test_the_limit_is_the_sites() -> None:
    rules = RecordRules(completion_limit_s=3600)
    chart = told((BARE, WUCAIWAN), chart=Chart(policy=replace(DEFAULT_POLICY, record=rules)))
    assert chart.referral.record_due_at == chart.now + timedelta(hours=1)


def test_a_referral_of_before_there_were_records_does_not_say_that_it_is_complete() -> None:
    (event,) = requested().events
    assert isinstance(event, ReferralRequested)
    chart = Chart()
    chart.take([replace(event, record=None, missing_elements=())], chart.context(WUCAIWAN))
    assert chart.referral.record_completed_at is None
    assert not limited(chart)


def test_an_end_says_that_the_record_was_left_incomplete() -> None:
    chart = bare()
    missing = chart.referral.missing_elements
    left, died = chart.when(DIED(died_at=chart.now, certifier="张医生"), WUCAIWAN)
    assert left == RecordLeftIncomplete(facility="wucaiwan", missing_elements=missing)
    assert names((left, died)) == ["RecordLeftIncomplete", "PatientDied"]
    assert chart.referral.record_left_incomplete
    assert chart.referral.missing_elements == missing
    chart.refused(ALL, WUCAIWAN, "NOT_ALLOWED_IN_STATE")


def test_a_complete_record_leaves_nothing() -> None:
    chart = told((ALL, WUCAIWAN), chart=bare())
    assert names(chart.when(DIED(died_at=chart.now, certifier="张医生"), WUCAIWAN)) == ["PatientDied"]
    assert not chart.referral.record_left_incomplete


def test_what_was_never_asked_for_is_not_left_open() -> None:
    """A referral of before there was a limit, or of an urgency without one."""
    chart = bare()
    chart.state = replace(chart.referral, record_due_at=None)
    assert names(chart.when(DIED(died_at=chart.now, certifier="张医生"), WUCAIWAN)) == ["PatientDied"]
