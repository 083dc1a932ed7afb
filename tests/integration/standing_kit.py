"""What the tests of standing orders share: an accepted referral, its order, and what is asked of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from tests.integration.hospital import (
    BRANCH,
    COUNTY,
    Hospital,
    accept_request,
    new_id,
)
from tierlink.referral.v1 import standing_pb2
from tierlink.referral.v1 import standing_service_pb2 as pb
from tierlink.referral.v1 import standing_service_pb2_grpc as pb_grpc

WHY = {"code": "PATIENT_AWAY"}
MISSED = standing_pb2.VISIT_STATE_MISSED


def day(ahead: int) -> str:
    """At the site: Beijing."""
    return (datetime.now(UTC) + timedelta(hours=8, days=ahead)).date().isoformat()


def stub(hospital: Hospital) -> Any:
    return pb_grpc.StandingServiceStub(hospital.channel)


async def give(hospital: Hospital, command: str, facility: str, name: str, **fields: Any) -> Any:
    request = getattr(pb, f"{command}Request")(request_id=new_id(), name=name, **fields)
    reply = await getattr(stub(hospital), command)(request, metadata=hospital.as_(facility))
    return reply.standing_order


async def accepted(hospital: Hospital) -> str:
    """A referral of day surgery to the county hospital, accepted: the name."""
    override = {"rule": "CAPABILITY", "reason": {"code": "AGREED"}}
    referral = await hospital.create(
        pathway="PATHWAY_HEMODIALYSIS", urgency="URGENCY_ROUTINE", overrides=[override]
    )
    await hospital.referrals.AcceptReferral(accept_request(referral.name), metadata=hospital.as_(COUNTY))
    return str(referral.name)


def schedule_request(referral: str, **changes: Any) -> pb.ScheduleStandingRequest:
    """Every day at 23:59, so that the first visit is still to come at any time of the test's day."""
    plan: dict[str, Any] = {
        "weekdays": list(range(1, 8)),
        "at": "23:59",
        "starts_on": day(1),
        "ends_on": day(60),
        "duration_minutes": 240,
    }
    return pb.ScheduleStandingRequest(request_id=new_id(), referral=referral, plan={**plan, **changes})


async def scheduled(hospital: Hospital, referral: str) -> Any:
    reply = await stub(hospital).ScheduleStanding(schedule_request(referral), metadata=hospital.as_(COUNTY))
    return reply.standing_order


async def overdue(dsn: str, name: str, *keys: str) -> None:
    """Lets deadlines be due by the clock of their worker, which is the database's."""
    connection = await asyncpg.connect(dsn)
    try:
        for key in keys:
            done = await connection.execute(
                "UPDATE deadlines SET due_at = now() WHERE stream_id = $1 AND key = $2", name, key
            )
            assert done == "UPDATE 1"
    finally:
        await connection.close()


async def get(hospital: Hospital, name: str, facility: str = BRANCH) -> Any:
    reply = await stub(hospital).GetStandingOrder(
        pb.GetStandingOrderRequest(name=name), metadata=hospital.as_(facility)
    )
    return reply.standing_order


async def listed(hospital: Hospital, reader: str, **wanted: Any) -> list[Any]:
    reply = await stub(hospital).ListVisits(pb.ListVisitsRequest(**wanted), metadata=hospital.as_(reader))
    return list(reply.visits)
