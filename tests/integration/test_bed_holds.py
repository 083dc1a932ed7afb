"""The last beds of a ward, asked for by many at once, in two processes over one database."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import grpc
import pytest
import pytest_asyncio

from services.embedded.databases import drop_database
from services.operator.platform.service_process import ServiceProcess
from services.shared.kernel.actor import Role
from services.shared.rpc.signing import generate_signing_key, write_key_files
from tests.integration.bed_bad_input import BAD
from tests.integration.hospital import COUNTY, OTHER, Hospital, details, new_id
from tests.stack import SharedStack
from tierlink.audit.v1 import audit_service_pb2, audit_service_pb2_grpc
from tierlink.bed.v1 import bed_pb2, bed_service_pb2_grpc
from tierlink.bed.v1 import bed_service_pb2 as pb

pytestmark = pytest.mark.asyncio(loop_scope="module")

STALE_AFTER_S = 5400
HOLD_MAX_S = 36 * 3600


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Two processes of the bed service, and a client of each."""

    hospitals: tuple[Hospital, ...]
    dsn: str

    def beds(self, process: int = 0) -> Any:
        return bed_service_pb2_grpc.BedServiceStub(self.hospitals[process].channel)

    def desk_of(self, facility: str = COUNTY) -> tuple[tuple[str, str], ...]:
        return self.hospitals[0].as_(facility, Role.BED_DESK)

    async def apply(self, ward: str, beds: int) -> Any:
        specification = {"id": ward, "bed_type": "BED_TYPE_STROKE_UNIT", "bed_count": beds}
        request = pb.ApplyWardsRequest(request_id=new_id(), facility=COUNTY, wards=[specification])
        return await self.beds().ApplyWards(request, metadata=self.hospitals[0].as_("", Role.OPERATOR))

    async def ward(self, name: str) -> bed_pb2.Ward:
        page = await self.beds().ListBeds(pb.ListBedsRequest(facility=COUNTY), metadata=self.desk_of())
        return next(ward for ward in page.wards if ward.id == name)


def hold_request(**changes: Any) -> pb.HoldBedRequest:
    fields: dict[str, Any] = {
        "request_id": new_id(),
        "facility": COUNTY,
        "referral": f"referrals/{new_id()}",
        "patient": "P-1",
        "bed_type": "BED_TYPE_STROKE_UNIT",
        "expires_at": datetime.now(UTC) + timedelta(hours=1),
    }
    return pb.HoldBedRequest(**{**fields, **changes})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(stack: SharedStack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    dsn = await stack.create_database(f"beds_{new_id()[:8]}")
    folder = tmp_path_factory.mktemp("bed")
    key = generate_signing_key()
    files = write_key_files(key, folder / "keys")
    environment = {
        "TIERLINK_BED_DSN": dsn,
        "TIERLINK_KAFKA_BOOTSTRAP": "127.0.0.1:1",
        "TIERLINK_JWKS": str(files.jwks),
        "TIERLINK_PARTS": "grpc,deadlines",
        "TIERLINK_BED_STALE_AFTER_S": str(STALE_AFTER_S),
        "TIERLINK_BED_HOLD_MAX_S": str(HOLD_MAX_S),
        "TIERLINK_LOG_LEVEL": "WARNING",
    }
    async with AsyncExitStack() as running:
        hospitals = []
        for number in range(2):
            process = ServiceProcess("bed", folder=folder / str(number), environment=environment)
            running.callback(process.stop)
            await asyncio.to_thread(process.start)
            channel = await running.enter_async_context(grpc.aio.insecure_channel(process.ready.grpc))
            hospitals.append(Hospital(key=key, channel=channel))
        yield Desk(hospitals=tuple(hospitals), dsn=dsn)
    await drop_database(stack.postgres_dsn, dsn.rsplit("/", 1)[1])


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
    assert sorted(row["kind"] for row in claims) == ["bed", "referral-bed"]


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


async def test_counts_are_shown_with_the_age_from_which_they_are_stale(desk: Desk) -> None:
    listing = pb.ListBedsRequest(facility=COUNTY)
    counting = pb.GetAvailabilityRequest(facilities=[COUNTY])
    answers = (
        await desk.beds().ListBeds(listing, metadata=desk.desk_of()),
        await desk.beds().GetAvailability(counting, metadata=desk.desk_of()),
    )
    assert [answer.stale_after_s for answer in answers] == [STALE_AFTER_S, STALE_AFTER_S]


async def test_who_lies_where_is_shown_to_those_who_give_the_beds_and_to_nobody_else(desk: Desk) -> None:
    await desk.apply("seen", 30)
    await desk.beds().HoldBed(hold_request(patient="P-held"), metadata=desk.desk_of())
    admit = pb.AdmitPatientRequest(
        request_id=new_id(), patient="P-lies", encounter="E-lies", bed_type="BED_TYPE_STROKE_UNIT"
    )
    await desk.beds().AdmitPatient(admit, metadata=desk.desk_of())

    async def shown(*who: Any) -> tuple[str, bed_pb2.WardCounts]:
        metadata = desk.hospitals[0].as_(*who)
        page = await desk.beds().ListBeds(pb.ListBedsRequest(facility=COUNTY), metadata=metadata)
        (ward,) = [ward for ward in page.wards if ward.id == "seen"]
        states = [bed.state for bed in ward.beds]
        assert states.count(bed_pb2.BED_STATE_HELD) == ward.counts.held == 1
        assert states.count(bed_pb2.BED_STATE_OCCUPIED) == ward.counts.occupied == 1
        return str(ward.beds), ward.counts

    secrets = ("P-held", "P-lies", "E-lies", "referrals/", "fencing_token", "holds/")
    for stranger in [(OTHER, Role.BED_DESK), (OTHER,), (COUNTY, Role.AMBULANCE)]:
        beds, _ = await shown(*stranger)
        assert not [secret for secret in secrets if secret in beds], stranger
    for entitled in [(COUNTY, Role.REFERRAL_OFFICE), (COUNTY,), ("", Role.OPERATOR)]:
        beds, _ = await shown(*entitled)
        assert all(secret in beds for secret in secrets), entitled


async def test_people_hold_no_bed_for_longer_than_the_sites_limit(desk: Desk) -> None:
    await desk.apply("lease", 40)
    most = timedelta(seconds=HOLD_MAX_S)
    held = await desk.beds().HoldBed(
        hold_request(expires_at=datetime.now(UTC) + most - timedelta(minutes=1)), metadata=desk.desk_of()
    )
    late = datetime.now(UTC) + most + timedelta(minutes=1)
    extend = pb.ExtendHoldRequest(
        request_id=new_id(),
        hold=held.hold.name,
        fencing_token=held.hold.fencing_token,
        expires_at=late,  # type: ignore[arg-type]
    )
    join = pb.JoinWaitingListRequest(
        request_id=new_id(),
        facility=COUNTY,
        referral=f"referrals/{new_id()}",
        patient="P-2",
        bed_type="BED_TYPE_ICU",
        urgency="URGENCY_ROUTINE",
        hold_until=late,  # type: ignore[arg-type]
    )
    beds = desk.beds()
    asked: list[tuple[Any, Any, str]] = [
        (beds.HoldBed, hold_request(expires_at=late), "expires_at"),
        (beds.ExtendHold, extend, "expires_at"),
        (beds.JoinWaitingList, join, "hold_until"),
    ]
    for call, request, field in asked:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(request, metadata=desk.desk_of())
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        (violation,) = details(caught.value)["BadRequest"].field_violations
        assert (violation.field, violation.reason) == (field, "TOO_LATE")
    kept = {bed.hold.name: bed.hold.expires_at for bed in (await desk.ward("lease")).beds}
    assert kept[held.hold.name] == held.hold.expires_at


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
