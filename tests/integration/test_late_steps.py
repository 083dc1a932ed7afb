"""An accepted patient who never leaves is told of, a bounded number of times, by the running service."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import grpc
import pytest

from services.embedded.databases import drop_database
from tests.integration.hospital import BRANCH, COUNTY, Hospital, accept_request, new_id, referral_service
from tests.integration.referral_site import refused
from tests.stack import SharedStack
from tierlink.referral.v1 import referral_service_pb2 as pb

pytestmark = [pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]

BOUND_S = 30.0
#: Two reminders, seconds apart: as many as the site says, and no more.
SITE = """\
sources:
  map: {zh: 本市溶栓地图, en: the city's thrombolysis map}
values:
  - {name: departure_s, urgency: EMERGENCY, pathway: STROKE, value: 1, source: map, confidence: B}
  - {name: overdue_reminders_max, value: 2, source: map, confidence: B}
"""


async def types_of(hospital: Hospital, name: str) -> list[str]:
    reply = await hospital.referrals.GetTimeline(
        pb.GetTimelineRequest(name=name), metadata=hospital.as_(BRANCH)
    )
    return [entry.metadata.type for entry in reply.entries]


async def until(hospital: Hospital, name: str, event_type: str, count: int) -> None:
    since_s = time.monotonic()
    while (await types_of(hospital, name)).count(event_type) < count:
        assert time.monotonic() - since_s < BOUND_S, f"not {count} of {event_type} within {BOUND_S} s"
        await asyncio.sleep(0.05)


async def overdue(hospital: Hospital, facility: str) -> list[str]:
    found = await hospital.referrals.ListReferrals(
        pb.ListReferralsRequest(overdue_only=True), metadata=hospital.as_(facility)
    )
    return [each.name for each in found.referrals]


async def give(hospital: Hospital, command: str, facility: str, name: str, **fields: Any) -> Any:
    request = getattr(pb, f"{command}Request")(request_id=new_id(), name=name, **fields)
    reply = await getattr(hospital.referrals, command)(request, metadata=hospital.as_(facility))
    return reply.referral


async def deadline_of(dsn: str, name: str, key: str) -> datetime:
    connection = await asyncpg.connect(dsn)
    try:
        row = await connection.fetchrow(
            "SELECT due_at FROM deadlines WHERE stream_id = $1 AND key LIKE $2", name, f"{key}:%"
        )
    finally:
        await connection.close()
    assert row is not None
    due_at: datetime = row["due_at"]
    return due_at


async def test_an_accepted_emergency_that_never_leaves_is_not_silent(
    stack: SharedStack, tmp_path: Path
) -> None:
    dsn = await stack.create_database(f"late_{new_id()[:8]}")
    site = tmp_path / "policy.yaml"
    site.write_text(SITE, "utf-8")
    async with referral_service(
        tmp_path, dsn=dsn, parts="grpc,deadlines", settings={"TIERLINK_REFERRAL_POLICY": str(site)}
    ) as (hospital, _):
        name = (await hospital.create()).name
        await hospital.referrals.AcceptReferral(accept_request(name), metadata=hospital.as_(COUNTY))
        await until(hospital, name, "DepartureOverdue", 2)
        assert name in await overdue(hospital, BRANCH)
        assert name in await overdue(hospital, COUNTY)

        # Nothing was cancelled, and that was the last reminder.
        arranged = await give(
            hospital, "ArrangeTransport", BRANCH, name, transport={"crew_level": "CREW_LEVEL_ADVANCED"}
        )
        assert arranged.next_step_reminders == 0
        assert (await types_of(hospital, name)).count("DepartureOverdue") == 2
        departed = await give(hospital, "DepartPatient", BRANCH, name, handover_document={"summary": "交接"})
        assert departed.HasField("next_step_due_at")
        assert name not in await overdue(hospital, BRANCH)

        await a_new_time_of_arrival(hospital, dsn, name)
    await drop_database(stack.postgres_dsn, dsn.rsplit("/", 1)[1])


async def a_new_time_of_arrival(hospital: Hospital, dsn: str, name: str) -> None:
    eta = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=3)
    found = await give(hospital, "UpdateArrivalEstimate", BRANCH, name, estimated_arrival_time=eta)
    assert found.estimated_arrival_time.ToDatetime(UTC) == eta
    assert await deadline_of(dsn, name, "arrival") == eta + timedelta(minutes=15)
    past = datetime.now(UTC) - timedelta(hours=1)
    await refused(
        give(hospital, "UpdateArrivalEstimate", BRANCH, name, estimated_arrival_time=past),
        grpc.StatusCode.INVALID_ARGUMENT,
    )
    await refused(
        give(hospital, "UpdateArrivalEstimate", COUNTY, name, estimated_arrival_time=eta),
        grpc.StatusCode.PERMISSION_DENIED,
    )
    await give(hospital, "ReportArrival", COUNTY, name, patient="P-1")
    await refused(
        give(hospital, "UpdateArrivalEstimate", BRANCH, name, estimated_arrival_time=eta),
        grpc.StatusCode.FAILED_PRECONDITION,
    )
