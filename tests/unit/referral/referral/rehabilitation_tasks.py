"""The tasks of the plan that comes with J1's referral back, and commands about them."""

from datetime import UTC, datetime, timedelta

from services.referral.domain import commands_plan as pc
from services.referral.domain.referral import deadlines
from services.referral.domain.rehabilitation import (
    RehabilitationTask,
    RehabilitationTaskKind,
    RehabilitationTaskState,
    task_named,
)
from services.referral.domain.values import CodedReason
from services.shared.kernel.command import Deadline
from tests.unit.referral.referral.chart import Chart
from tests.unit.referral.referral.stories import down_arrived

S = RehabilitationTaskState
WHY = CodedReason(code="PATIENT_AWAY", text="外出")
#: The end of 2026-03-10 in Beijing.
TENTH_ENDS = datetime(2026, 3, 10, 16, tzinfo=UTC)
NINTH_ENDS = TENTH_ENDS - timedelta(days=1)
TRAINING = "t1"
FIRST_VISIT = "t2"

DONE = pc.CompleteTask(task=TRAINING, result="步行 200 米")
CANCEL_TASK = pc.CancelTask(task=TRAINING, reason=WHY)
EXPLAIN = pc.ExplainMissedTask(task=TRAINING, reason=WHY)
LATER = RehabilitationTask(
    description="复查血脂", due_on="2026-03-20", kind=RehabilitationTaskKind.EXAMINATION
)
AMEND = pc.AmendPlan(tasks=(LATER,), reason=WHY)


def tasks_due(chart: Chart) -> list[Deadline]:
    return [each for each in deadlines(chart.referral) if each.key.startswith("task:")]


def task_keys(chart: Chart) -> list[str]:
    return [each.key for each in tasks_due(chart)]


def task(chart: Chart, name: str = TRAINING) -> RehabilitationTask:
    found = task_named(chart.referral.rehabilitation_plan, name)
    assert found is not None
    return found


def missed() -> Chart:
    chart = down_arrived()
    chart.due(f"task:{TRAINING}")
    return chart
