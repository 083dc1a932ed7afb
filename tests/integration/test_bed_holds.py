"""The last beds of a ward, asked for by many at once, in two processes over one database."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import grpc
import pytest

from services.shared.kernel.actor import Role
from tests.integration.bed_bad_input import BAD
from tests.integration.bed_desks import Desk, desk, hold_request
from tests.integration.hospital import OTHER, details, new_id
from tierlink.audit.v1 import audit_service_pb2, audit_service_pb2_grpc
from tierlink.bed.v1 import bed_pb2
from tierlink.bed.v1 import bed_service_pb2 as pb

__all__ = ["desk"]

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def until_released(desk: Desk, ward: str, free: int) -> bed_pb2.Ward:
    """The ward once it has so many free beds, within a bound."""
    deadline_s = time.monotonic() + 30
    while (found := await desk.ward(ward)).counts.free < free:
        assert time.monotonic() < deadline_s, found.counts
        await asyncio.sleep(0.1)
    return found


async def test_of_many_who_ask_for_the_last_beds_as_many_win_as_there_are_beds(desk: Desk) -> None:
    await desk.apply("rush", 3)
    results = await asyncio.gather(
        *(desk.beds(number % 2).HoldBed(hold_request(), metadata=desk.desk_of()) for number in range(40)),
        return_exceptions=True,
    )
    held = [result.hold for result in results if isinstance(result, pb.HoldBedResponse)]
    refusals = [result for result in results if isinstance(result, grpc.aio.AioRpcError)]

    assert len({hold.bed for hold in held}) == len(held) == 3
    assert sorted(hold.fencing_token for hold in held) == [1, 2, 3]
    assert {error.code() for error in refusals} == {grpc.StatusCode.FAILED_PRECONDITION}
    failures = {v.type for e in refusals for v in details(e)["PreconditionFailure"].violations}
    assert failures == {"NO_FREE_BED"}
    counts = (await desk.ward("rush")).counts
    assert (counts.beds, counts.held, counts.free) == (3, 3, 0)
    for hold in held:
        request = pb.ReleaseHoldRequest(
            request_id=new_id(),
            hold=hold.name,
            fencing_token=hold.fencing_token,
            reason={"code": "TEST_OVER"},
        )
        await desk.beds().ReleaseHold(request, metadata=desk.desk_of())


async def test_of_32_who_ask_for_the_last_bed_one_wins_and_the_others_are_told_why(desk: Desk) -> None:
    facility = f"last-{new_id()[:8]}"
    specification = {"id": f"{facility}-w", "bed_type": "BED_TYPE_STROKE_UNIT", "bed_count": 1}
    apply = pb.ApplyWardsRequest(request_id=new_id(), facility=facility, wards=[specification])
    await desk.beds().ApplyWards(apply, metadata=desk.hospitals[0].as_("", Role.OPERATOR))
    requests = [hold_request(facility=facility) for _ in range(32)]
    results = await asyncio.gather(
        *(desk.beds().HoldBed(request, metadata=desk.desk_of(facility)) for request in requests),
        return_exceptions=True,
    )
    won = [result for result in results if isinstance(result, pb.HoldBedResponse)]
    lost = [result for result in results if isinstance(result, grpc.aio.AioRpcError)]
    assert (len(won), len(lost)) == (1, 31)
    for error in lost:
        assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
        (violation,) = details(error)["PreconditionFailure"].violations
        assert violation.type == "NO_FREE_BED"


async def test_every_rpc_has_a_request_that_is_wrong() -> None:
    names = {method.name for method in pb.DESCRIPTOR.services_by_name["BedService"].methods}
    assert {type(request).__name__.removesuffix("Request") for request, _ in BAD} == names


@pytest.mark.parametrize(("request_", "wrong"), BAD, ids=lambda value: type(value).__name__)
async def test_bad_input_is_named_field_by_field(desk: Desk, request_: Any, wrong: set[str]) -> None:
    name = type(request_).__name__.removesuffix("Request")
    call = getattr(desk.beds(), name)(request_, metadata=desk.desk_of())
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await (call.read() if name.startswith("Watch") else call)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    found = {violation.field for violation in details(caught.value)["BadRequest"].field_violations}
    assert found == wrong


async def test_one_referral_asked_for_at_once_in_both_processes_has_one_bed(desk: Desk) -> None:
    await desk.apply("one", 6)
    referral = f"referrals/{new_id()}"
    results = await asyncio.gather(
        *(
            desk.beds(number % 2).HoldBed(hold_request(referral=referral), metadata=desk.desk_of())
            for number in range(10)
        )
    )
    assert len({result.hold.name for result in results}) == 1
    connection = await asyncpg.connect(desk.dsn)
    try:
        claims = await connection.fetch("SELECT kind FROM claims WHERE holder = $1", results[0].hold.name)
    finally:
        await connection.close()
    assert sorted(row["kind"] for row in claims) == ["bed", "referral-bed", "referral-promise"]


async def test_the_database_refuses_a_second_holder_whatever_the_code_does(desk: Desk) -> None:
    await desk.apply("two", 1)
    connection = await asyncpg.connect(desk.dsn)
    try:
        await connection.execute("INSERT INTO claims VALUES ('bed', 'x/1', 'holds/1')")
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute("INSERT INTO claims VALUES ('bed', 'x/1', 'holds/2')")
    finally:
        await connection.close()


async def test_an_old_fencing_token_is_refused(desk: Desk) -> None:
    await desk.apply("fence", 12)
    earlier = await desk.beds().HoldBed(hold_request(), metadata=desk.desk_of())
    held = await desk.beds().HoldBed(hold_request(), metadata=desk.desk_of())
    assert earlier.ward.id == held.ward.id == "fence"
    stale = pb.ExtendHoldRequest(
        request_id=new_id(),
        hold=held.hold.name,
        fencing_token=earlier.hold.fencing_token,
        expires_at=datetime.now(UTC) + timedelta(hours=2),
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await desk.beds().ExtendHold(stale, metadata=desk.desk_of())
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    failures = {v.type for v in details(caught.value)["PreconditionFailure"].violations}
    assert failures == {"STALE_FENCING_TOKEN"}


async def test_a_hold_lapses_by_its_deadline_and_the_bed_is_free(desk: Desk) -> None:
    await desk.apply("lapse", 20)
    request = hold_request(expires_at=datetime.now(UTC) + timedelta(seconds=1))
    held = await desk.beds().HoldBed(request, metadata=desk.desk_of())
    assert (held.ward.id, held.ward.counts.free) == ("lapse", 19)

    after = await until_released(desk, "lapse", 20)

    assert (after.counts.held, after.version) == (0, held.ward.version + 1)


async def test_nobody_else_reaches_into_a_ward(desk: Desk) -> None:
    await desk.apply("own", 1)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await desk.beds().HoldBed(hold_request(), metadata=desk.desk_of(OTHER))
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_every_chain_is_intact_and_every_state_the_fold_of_its_events(desk: Desk) -> None:
    audit: Any = audit_service_pb2_grpc.AuditServiceStub(desk.hospitals[0].channel)
    answers = [
        answer
        async for answer in audit.VerifyChains(
            audit_service_pb2.VerifyChainsRequest(),
            metadata=desk.hospitals[0].as_("", Role.OPERATOR),
        )
    ]
    assert answers[-1].complete
    assert answers[-1].findings_count == 0
    assert answers[-1].aggregates_count >= 1
