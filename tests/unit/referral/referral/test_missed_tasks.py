"""A task whose day is over: said once, done late, cancelled, explained or moved."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from services.referral.domain import commands as c
from services.referral.domain.events import FollowUpMissed, TaskMissed
from tests.unit.referral.referral.chart import Chart
from tests.unit.referral.referral.children import FOLLOW_UP
from tests.unit.referral.referral.network import EAST, GENERAL, START, TOWN
from tests.unit.referral.referral.rehabilitation_tasks import (
    CANCEL_TASK,
    DONE,
    EXPLAIN,
    FIRST_VISIT,
    NINTH_ENDS,
    TENTH_ENDS,
    TRAINING,
    WHY,
    S,
    missed,
    task,
    task_keys,
    tasks_due,
)
from tests.unit.referral.referral.stories import ACCEPT, DOWN, NO_REASON, PLAN, down_arrived, requested, told


def test_a_task_is_missed_at_the_end_of_its_day_and_once() -> None:
    chart = down_arrived()
    assert [each.due_at for each in tasks_due(chart)] == [TENTH_ENDS, NINTH_ENDS]
    (event,) = chart.due(f"task:{TRAINING}")
    assert chart.now == TENTH_ENDS
    assert isinstance(event, TaskMissed)
    assert (event.task, event.facility, event.due_on) == (TRAINING, "jimsar-town", "2026-03-10")
    assert (task(chart).state, task(chart).was_missed) == (S.MISSED, True)
    assert [each.due_at for each in tasks_due(chart)] == [NINTH_ENDS]


def test_whoever_is_responsible_hears_of_a_missed_task() -> None:
    tasks = (replace(PLAN.tasks[0], responsible_facility="jimsar-general"),)
    chart = told((replace(DOWN, rehabilitation_plan=replace(PLAN, tasks=tasks)), GENERAL), (ACCEPT, TOWN))
    chart.when(c.ReportArrival(patient="patient-7"), TOWN)
    (event,) = chart.due(f"task:{TRAINING}")
    assert isinstance(event, TaskMissed)
    assert event.facility == "jimsar-general"


def test_nothing_is_missed_before_the_patient_is_there_or_after_the_end() -> None:
    assert task_keys(told((ACCEPT, TOWN), chart=requested(DOWN, GENERAL))) == []
    died = told((c.RecordDeath(died_at=START, certifier="张医生"), TOWN), chart=down_arrived())
    assert died.keys() == []


def test_a_plan_entered_after_its_day_leaves_the_day_of_receipt() -> None:
    chart = Chart().later(days=30)
    told((DOWN, GENERAL), (ACCEPT, TOWN), (c.ReportArrival(patient="patient-7"), TOWN), chart=chart)
    ends = {each.due_at for each in tasks_due(chart)}
    assert ends == {datetime(2026, 4, 1, 16, tzinfo=UTC)}
    chart.when(replace(DONE, done_at=TENTH_ENDS - timedelta(hours=3)), TOWN)
    assert not task(chart).late
    chart.when(FOLLOW_UP, TOWN)
    assert task(chart, FIRST_VISIT).late


def test_a_missed_task_is_done_late_and_marked() -> None:
    chart = told((DONE, TOWN), chart=missed().later(hours=1))
    assert (task(chart).state, task(chart).late, task(chart).was_missed) == (S.DONE, True, True)
    in_time = told((replace(DONE, done_at=TENTH_ENDS - timedelta(seconds=1)), TOWN), chart=missed())
    assert (task(in_time).late, task(in_time).was_missed) == (False, True)
    at_midnight = told((replace(DONE, done_at=TENTH_ENDS), TOWN), chart=missed())
    assert task(at_midnight).late


def test_a_missed_follow_up_is_an_event_and_may_be_made_good() -> None:
    chart = down_arrived()
    (event,) = chart.due(f"task:{FIRST_VISIT}")
    assert isinstance(event, FollowUpMissed)
    assert (event.task, event.due_on, event.facility) == (FIRST_VISIT, "2026-03-09", "jimsar-town")
    chart.later(hours=2).when(FOLLOW_UP, TOWN)
    assert (task(chart, FIRST_VISIT).state, task(chart, FIRST_VISIT).late) == (S.DONE, True)


def test_a_task_is_cancelled_with_a_reason_while_it_is_open() -> None:
    for actor in (TOWN, GENERAL):
        chart = told((CANCEL_TASK, actor), chart=down_arrived())
        assert (task(chart).state, task(chart).reason) == (S.CANCELLED, WHY)
        assert len(task_keys(chart)) == 1
    down_arrived().refused(replace(CANCEL_TASK, reason=NO_REASON), TOWN, "REASON_MISSING")
    missed().refused(CANCEL_TASK, TOWN, "TASK_NOT_OPEN")
    down_arrived().refused(CANCEL_TASK, EAST, "NotFound")
    on_the_way = told((ACCEPT, TOWN), (CANCEL_TASK, GENERAL), chart=requested(DOWN, GENERAL))
    assert task(on_the_way).state is S.CANCELLED


def test_a_missed_task_is_explained_and_stays_missed() -> None:
    chart = told((EXPLAIN, TOWN), chart=missed())
    assert (task(chart).state, task(chart).reason) == (S.MISSED, WHY)
    missed().refused(replace(EXPLAIN, reason=NO_REASON), TOWN, "REASON_MISSING")
    down_arrived().refused(EXPLAIN, TOWN, "TASK_NOT_MISSED")
