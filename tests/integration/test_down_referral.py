"""A referral down as a contract, through gRPC: deadlines across a restart, closure, and the way back up."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import grpc

from tests.integration.hospital import (
    BRANCH,
    COUNTY,
    OTHER,
    Hospital,
    accept_request,
    new_id,
    referral_service,
)
from tests.integration.messaging import until
from tests.integration.referral_site import refused
from tests.integration.test_watch_streams import Watcher
from tests.stack import CreateDatabase, SharedStack
from tierlink.referral.v1 import referral_pb2
from tierlink.referral.v1 import referral_service_pb2 as pb

MISSED = referral_pb2.REHABILITATION_TASK_STATE_MISSED
WHY = {"code": "PATIENT_AWAY"}


def day(ahead: int) -> str:
    return (datetime.now(UTC) + timedelta(days=ahead)).date().isoformat()


async def give(hospital: Hospital, command: str, facility: str, name: str, **fields: Any) -> Any:
    request = getattr(pb, f"{command}Request")(request_id=new_id(), name=name, **fields)
    reply = await getattr(hospital.referrals, command)(request, metadata=hospital.as_(facility))
    return reply.referral


async def sent_down(hospital: Hospital) -> tuple[str, str]:
    """A stroke patient after treatment, back at the branch: the names of both referrals."""
    up = (await hospital.create()).name
    await hospital.referrals.AcceptReferral(accept_request(up), metadata=hospital.as_(COUNTY))
    await give(hospital, "ReportArrival", COUNTY, up, patient="P-1")
    summary = {"outcome": "OUTCOME_IMPROVED", "summary": "好转"}
    await give(hospital, "CompleteTreatment", COUNTY, up, discharge_summary=summary)
    plan = {
        "tasks": [
            {"description": "肢体训练", "due_on": day(5), "kind": "REHABILITATION_TASK_KIND_EXERCISE"},
            {"description": "复查血脂", "due_on": day(9), "responsible_facility": COUNTY},
        ],
        "medications": ["阿司匹林 100 mg"],
        "red_flags": ["再发偏瘫", "头晕"],
        "emergency_red_flags": ["再发偏瘫"],
        "first_follow_up_on": day(7),
        "further_follow_ups_on": [day(40)],
    }
    parent = await give(
        hospital, "ReferBack", COUNTY, up, destination_facility=BRANCH, rehabilitation_plan=plan
    )
    down = parent.referred_back_to
    await hospital.referrals.AcceptReferral(accept_request(down), metadata=hospital.as_(BRANCH))
    await give(hospital, "ReportArrival", BRANCH, down, patient="P-1")
    return up, down


async def overdue(dsn: str, name: str, *tasks: str) -> None:
    """Lets the days of tasks be over by the clock of the deadline worker, which is the database's."""
    connection = await asyncpg.connect(dsn)
    try:
        for task in tasks:
            done = await connection.execute(
                "UPDATE deadlines SET due_at = now() WHERE stream_id = $1 AND key LIKE $2",
                name,
                f"task:{task}:%",
            )
            assert done == "UPDATE 1"
    finally:
        await connection.close()


async def events_of(dsn: str, name: str) -> list[str]:
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch("SELECT type FROM events WHERE stream_id = $1 ORDER BY version", name)
    finally:
        await connection.close()
    return [row["type"] for row in rows]


async def get(hospital: Hospital, name: str, facility: str) -> Any:
    reply = await hospital.referrals.GetReferral(
        pb.GetReferralRequest(name=name), metadata=hospital.as_(facility)
    )
    return reply.referral


async def test_what_a_plan_promises_is_done_or_named(
    stack: SharedStack, database: CreateDatabase, tmp_path: Path
) -> None:
    dsn = await database()
    async with referral_service(tmp_path / "first", dsn=dsn) as (hospital, _):
        up, down = await sent_down(hospital)
        await overdue(dsn, down, "t1", "t2", "t3")
        # Nobody runs deadlines here: what fell due while the service was down is met after its start.
    async with referral_service(
        tmp_path / "second", dsn=dsn, kafka=stack.kafka_bootstrap, parts="grpc,relay,deadlines"
    ) as (hospital, _):

        async def three_are_missed() -> bool:
            plan = (await get(hospital, down, COUNTY)).rehabilitation_plan
            return [task.state for task in plan.tasks[:3]] == [MISSED] * 3

        await until(three_are_missed)
        seen_there = await get(hospital, down, BRANCH)
        assert seen_there.rehabilitation_plan.tasks[0].was_missed
        await refused(get(hospital, down, OTHER), grpc.StatusCode.NOT_FOUND)
        types = await events_of(dsn, down)
        assert (types.count("TaskMissed"), types.count("FollowUpMissed")) == (2, 1)
        async with Watcher(hospital) as watcher:
            await watcher.until(1)
            await close_the_loop(hospital, up, down)
            # Behind what the relay has still to send of the first service's time.
            while "TaskCompleted" not in {event for _, _, event in watcher.sent}:
                await watcher.until(len(watcher.sent) + 1, token=False)


async def close_the_loop(hospital: Hospital, up: str, down: str) -> None:
    found = await refused(
        give(hospital, "CloseReferral", BRANCH, up, outcome_report_acknowledged=True),
        grpc.StatusCode.FAILED_PRECONDITION,
    )
    (violation,) = found["PreconditionFailure"].violations
    assert (violation.type, down in violation.description) == ("CHILD_NOT_FOLLOWED_UP", True)
    assert day(7) in violation.description

    done = await give(hospital, "CompleteTask", BRANCH, down, task="t1", done_by="王技师", result="完成")
    assert (done.rehabilitation_plan.tasks[0].done_by, done.rehabilitation_plan.tasks[0].late) == (
        "王技师",
        False,
    )
    flagged = await give(hospital, "RecordFollowUp", BRANCH, down, findings="右侧无力", red_flag="再发偏瘫")
    assert flagged.follow_ups[0].task == "t3"
    again = await get(hospital, flagged.reopened_as, COUNTY)
    assert (again.origin_facility, again.destination_facility, again.parent) == (BRANCH, COUNTY, down)
    assert referral_pb2.Direction.Name(again.direction) == "DIRECTION_UP"
    assert again.urgency == 1
    assert (again.clinical_summary.symptoms, again.episode) == ("右侧无力", flagged.episode)
    assert all(rule.passed or rule.override.code == "RED_FLAG" for rule in again.norms)
    assert (await give(hospital, "CloseReferral", BRANCH, up, outcome_report_acknowledged=True)).state == 13

    summary = {"outcome": "OUTCOME_WORSENED", "summary": "再发，已上转"}
    await give(hospital, "CompleteTreatment", BRANCH, down, discharge_summary=summary)
    found = await refused(give(hospital, "CloseReferral", COUNTY, down), grpc.StatusCode.FAILED_PRECONDITION)
    rules = {each.type: each.description for each in found["PreconditionFailure"].violations}
    assert rules.keys() == {"REPORT_NOT_ACKNOWLEDGED", "TASKS_NOT_SETTLED"}
    assert "t2 复查血脂" in rules["TASKS_NOT_SETTLED"]
    assert f"t4 随访（{day(40)}，未完成）" in rules["TASKS_NOT_SETTLED"]
    await give(hospital, "AcknowledgeOutcome", COUNTY, down)
    await give(hospital, "ExplainMissedTask", COUNTY, down, task="t2", reason=WHY)
    await give(hospital, "CancelTask", COUNTY, down, task="t4", reason=WHY)
    assert (await give(hospital, "CloseReferral", COUNTY, down)).state == 13


async def test_a_plan_is_amended_through_the_contract(database: CreateDatabase, tmp_path: Path) -> None:
    async with referral_service(tmp_path, dsn=await database()) as (hospital, _):
        _, down = await sent_down(hospital)
        moved = {"id": "t1", "description": "肢体训练（居家）", "due_on": day(20)}
        new = {"description": "健康教育", "due_on": day(3), "kind": "REHABILITATION_TASK_KIND_EDUCATION"}
        amended = await give(hospital, "AmendPlan", COUNTY, down, tasks=[moved, new], reason=WHY)
        tasks = {task.id: task for task in amended.rehabilitation_plan.tasks}
        assert (tasks["t1"].due_on, tasks["t5"].description) == (day(20), "健康教育")
        assert list(tasks) == ["t1", "t2", "t3", "t4", "t5"]
        found = await refused(
            give(hospital, "AmendPlan", COUNTY, down, tasks=[{**moved, "id": "t9"}], reason=WHY),
            grpc.StatusCode.INVALID_ARGUMENT,
        )
        assert [each.field for each in found["BadRequest"].field_violations] == ["tasks[0].id"]
