"""The rehabilitation plan as a contract: tasks done, missed, explained, cancelled, amended."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from services.referral.domain import commands as c
from services.referral.domain import commands_plan as pc
from services.referral.domain.events import PlanAmended, ReferralRequested, TaskCompleted
from services.referral.domain.rehabilitation import (
    TASKS_MAX,
    RehabilitationTask,
    RehabilitationTaskKind,
    follow_up_due,
)
from tests.unit.referral.referral.chart import Chart, names
from tests.unit.referral.referral.children import FOLLOW_UP, child_of
from tests.unit.referral.referral.network import CLINIC, GENERAL, GENERAL_OFFICE, TOWN
from tests.unit.referral.referral.rehabilitation_tasks import (
    AMEND,
    CANCEL_TASK,
    DONE,
    EXPLAIN,
    FIRST_VISIT,
    LATER,
    TENTH_ENDS,
    TRAINING,
    S,
    missed,
    task,
    task_keys,
)
from tests.unit.referral.referral.stories import (
    ACCEPT,
    BACK,
    COMPLETE,
    DOWN,
    NO_REASON,
    PLAN,
    arrived,
    down_arrived,
    referred_back,
    requested,
    told,
    treated,
)


def test_a_plan_is_taken_in_as_numbered_open_tasks_with_follow_ups_among_them() -> None:
    plan = replace(PLAN, further_follow_ups_on=("2026-04-09", "2026-03-09"))
    claimed = replace(plan.tasks[0], state=S.DONE, id="t7", late=True)
    chart = requested(replace(DOWN, rehabilitation_plan=replace(plan, tasks=(claimed,))), GENERAL)
    taken = chart.referral.rehabilitation_plan
    assert taken is not None
    assert [(each.id, each.kind, each.due_on, each.state) for each in taken.tasks] == [
        ("t1", RehabilitationTaskKind.OTHER, "2026-03-10", S.OPEN),
        ("t2", RehabilitationTaskKind.FOLLOW_UP, "2026-03-09", S.OPEN),
        ("t3", RehabilitationTaskKind.FOLLOW_UP, "2026-04-09", S.OPEN),
    ]
    assert taken.tasks[0].due_at == TENTH_ENDS
    assert not taken.tasks[0].late


def test_the_plan_of_a_referral_back_is_the_childs_contract() -> None:
    parent = referred_back()
    plan = child_of(parent).referral.rehabilitation_plan
    assert plan is not None
    assert [each.id for each in plan.tasks] == [TRAINING, FIRST_VISIT]


def test_a_plan_recorded_before_tasks_were_a_contract_has_no_deadlines() -> None:
    chart = requested(DOWN, GENERAL)
    old = chart.events[0]
    assert isinstance(old, ReferralRequested)
    again = Chart(now=chart.now)
    again.take([replace(old, rehabilitation_plan=PLAN)], chart.context(GENERAL))
    told((ACCEPT, TOWN), (c.ReportArrival(patient="patient-7"), TOWN), chart=again)
    assert [each.id for each in (again.referral.rehabilitation_plan or PLAN).tasks] == ["t1", "t2"]
    assert task_keys(again) == []
    again.when(DONE, TOWN)
    assert task(again).state is S.DONE


def test_wrong_fields_of_a_plan_are_named() -> None:
    plan = replace(
        PLAN,
        tasks=(replace(PLAN.tasks[0], responsible_facility="east-hospital"),),
        further_follow_ups_on=("2026-02-30",),
        emergency_red_flags=("牙痛",),
    )
    faults = ("TAKES_NO_PART", "INVALID_DATE", "UNKNOWN_RED_FLAG")
    Chart().refused(replace(DOWN, rehabilitation_plan=plan), GENERAL, *faults)
    treated().refused(replace(BACK, rehabilitation_plan=plan), GENERAL, *faults)


def test_a_task_is_done_by_either_end_while_the_patient_is_there() -> None:
    for actor in (TOWN, GENERAL, GENERAL_OFFICE):
        chart = down_arrived()
        (event,) = chart.when(DONE, actor)
        assert isinstance(event, TaskCompleted)
        assert (event.facility, event.done_by, event.late) == (actor.facility, actor.user, False)
        assert (task(chart).state, task(chart).result) == (S.DONE, "步行 200 米")
    down_arrived().refused(DONE, CLINIC, "NotFound")
    on_the_way = told((ACCEPT, TOWN), chart=requested(DOWN, GENERAL))
    on_the_way.refused(DONE, GENERAL, "NOT_ALLOWED_IN_STATE")
    arrived().refused(DONE, GENERAL, "DOWN_ONLY")


def test_who_did_it_and_when_may_be_said() -> None:
    chart = down_arrived().later(days=3)
    at = chart.now - timedelta(days=1)
    chart.when(replace(DONE, done_at=at, done_by="家庭医生"), TOWN)
    assert (task(chart).done_at, task(chart).done_by) == (at, "家庭医生")
    later = replace(DONE, task=TRAINING, done_at=chart.now + timedelta(minutes=1))
    down_arrived().refused(later, TOWN, "IN_THE_FUTURE")


def test_a_task_that_is_over_is_not_done_again() -> None:
    done = told((DONE, TOWN), chart=down_arrived())
    done.refused(DONE, TOWN, "TASK_SETTLED")
    cancelled = told((CANCEL_TASK, TOWN), chart=down_arrived())
    cancelled.refused(DONE, TOWN, "TASK_SETTLED")
    for command in (DONE, CANCEL_TASK, EXPLAIN):
        down_arrived().refused(replace(command, task="t9"), TOWN, "UNKNOWN_TASK")


def test_a_follow_up_is_done_by_recording_it() -> None:
    refusal = down_arrived().refused(pc.CompleteTask(task=FIRST_VISIT), TOWN, "TASK_IS_FOLLOW_UP")
    assert "t2 随访 (2026-03-09, open)" in str(refusal)
    chart = told((FOLLOW_UP, TOWN), chart=down_arrived())
    assert (task(chart, FIRST_VISIT).state, chart.referral.follow_ups[0].task) == (S.DONE, FIRST_VISIT)


def test_an_amended_plan_has_new_tasks_and_other_days() -> None:
    chart = missed()
    moved = RehabilitationTask(id=TRAINING, description="肢体训练（居家）", due_on="2026-03-15")
    (event,) = chart.when(replace(AMEND, tasks=(moved, LATER), red_flags=("头痛",)), GENERAL)
    assert isinstance(event, PlanAmended)
    assert [each.id for each in event.tasks] == [TRAINING, "t3"]
    plan = chart.referral.rehabilitation_plan
    assert plan is not None
    assert (plan.red_flags, plan.medications) == (("头痛",), PLAN.medications)
    assert (task(chart).state, task(chart).was_missed) == (S.OPEN, True)
    assert task(chart).due_at == TENTH_ENDS + timedelta(days=5)
    assert task(chart, "t3").kind is RehabilitationTaskKind.EXAMINATION
    assert names(chart.due(f"task:{TRAINING}")) == ["TaskMissed"]


def test_a_follow_up_that_is_moved_stays_one() -> None:
    moved = RehabilitationTask(id=FIRST_VISIT, description="随访", due_on="2026-03-12")
    chart = told((replace(AMEND, tasks=(moved,)), TOWN), chart=down_arrived())
    assert task(chart, FIRST_VISIT).kind is RehabilitationTaskKind.FOLLOW_UP


def test_what_an_amendment_may_not_say() -> None:
    chart = told((DONE, TOWN), chart=down_arrived())
    for changed, reason in (
        (replace(AMEND, tasks=()), "NOTHING_TO_AMEND"),
        (replace(AMEND, tasks=(replace(LATER, due_on="2026-03-01"),)), "IN_THE_PAST"),
        (replace(AMEND, tasks=(replace(LATER, due_on="2026-02-30"),)), "INVALID_DATE"),
        (replace(AMEND, tasks=(replace(LATER, id="t9"),)), "UNKNOWN_TASK"),
        (replace(AMEND, tasks=(replace(LATER, id=TRAINING),)), "TASK_SETTLED"),
        (replace(AMEND, tasks=(LATER,) * (TASKS_MAX - 1)), "TOO_MANY_TASKS"),
        (replace(AMEND, tasks=(replace(LATER, responsible_facility="qitai-people"),)), "TAKES_NO_PART"),
        (replace(AMEND, emergency_red_flags=("牙痛",)), "UNKNOWN_RED_FLAG"),
        (replace(AMEND, reason=NO_REASON), "REASON_MISSING"),
    ):
        chart.refused(changed, TOWN, reason)
    twice = replace(LATER, id=FIRST_VISIT)
    chart.refused(replace(AMEND, tasks=(twice, twice)), TOWN, "TASK_SETTLED")
    told((replace(AMEND, tasks=(LATER,) * (TASKS_MAX - 2)), TOWN), chart=chart)


@pytest.mark.parametrize(
    ("day", "found"),
    [
        (date(2026, 3, 1), None),
        (date(2026, 3, 2), "t1"),
        (date(2026, 3, 9), "t1"),
        (date(2026, 3, 24), "t1"),
        (date(2026, 3, 25), "t1"),
        (date(2026, 4, 9), "t2"),
        (date(2026, 9, 9), "t2"),
    ],
)
def test_a_visit_fulfils_the_follow_up_that_was_planned_nearest_to_it(day: date, found: str | None) -> None:
    tasks = [
        RehabilitationTask(
            id=name, description="随访", due_on=due, kind=RehabilitationTaskKind.FOLLOW_UP, state=S.OPEN
        )
        for name, due in (("t1", "2026-03-09"), ("t2", "2026-04-09"))
    ]
    named = follow_up_due(replace(PLAN, tasks=tuple(tasks)), day, 7)
    assert (named.id if named else None) == found


def test_a_visit_may_name_what_it_fulfils() -> None:
    plan = replace(PLAN, further_follow_ups_on=("2026-04-09",))
    chart = told((replace(DOWN, rehabilitation_plan=plan), GENERAL), (ACCEPT, TOWN))
    chart.when(c.ReportArrival(patient="patient-7"), TOWN)
    for wrong in ("t1", "t9"):
        chart.refused(replace(FOLLOW_UP, task=wrong), TOWN, "UNKNOWN_TASK")
    chart.when(replace(FOLLOW_UP, task="t3"), TOWN)
    assert (task(chart, "t3").state, task(chart, "t2").state) == (S.DONE, S.OPEN)
    chart.refused(replace(FOLLOW_UP, task="t3"), TOWN, "UNKNOWN_TASK")
    chart.when(FOLLOW_UP, TOWN)
    unplanned = chart.when(FOLLOW_UP, TOWN)
    assert names(unplanned) == ["FollowUpRecorded"]
    assert [visit.task for visit in chart.referral.follow_ups] == ["t3", "t2", ""]


def test_only_the_way_down_is_a_contract_that_is_watched() -> None:
    assert len(task_keys(down_arrived())) == 2
    upward = treated()
    upward.state = replace(upward.referral, rehabilitation_plan=down_arrived().referral.rehabilitation_plan)
    assert upward.keys() == ["outcome-report"]
    chart = told((COMPLETE, TOWN), chart=down_arrived())
    assert sorted(chart.keys()) == ["outcome-report", "task", "task"]
