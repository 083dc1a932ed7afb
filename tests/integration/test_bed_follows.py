"""Referral and bed service over Kafka: a referral that ends holds no bed, whoever was away meanwhile."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import grpc
import pytest
import pytest_asyncio

from services.embedded import EmbeddedStack
from services.operator.platform.service_process import ServiceProcess
from services.shared.kernel.actor import Role
from tests.integration import referral_ends
from tests.integration.hospital import (
    BRANCH,
    COUNTY,
    Hospital,
    accept_request,
    details,
    new_id,
    referral_service,
)
from tierlink.bed.v1 import bed_pb2, bed_service_pb2_grpc
from tierlink.bed.v1 import bed_service_pb2 as bed_pb
from tierlink.referral.v1 import referral_pb2
from tierlink.referral.v1 import referral_service_pb2 as pb

pytestmark = [pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="module")]

BOUND_S = 40.0
REASON = {"code": "PATIENT_STAYS"}


@dataclass(frozen=True, kw_only=True)
class County:
    hospital: Hospital
    bed_process: ServiceProcess
    bed_channel: grpc.aio.Channel
    referral_dsn: str
    bed_dsn: str

    @property
    def beds(self) -> Any:
        return bed_service_pb2_grpc.BedServiceStub(self.bed_channel)

    @property
    def desk(self) -> tuple[tuple[str, str], ...]:
        return self.hospital.as_(COUNTY, Role.BED_DESK)

    async def ward(self, name: str = "unit") -> bed_pb2.Ward:
        page = await self.beds.ListBeds(bed_pb.ListBedsRequest(facility=COUNTY), metadata=self.desk)
        return next(ward for ward in page.wards if ward.id == name)

    async def apply(self, ward: str, bed_type: str, beds: int) -> None:
        specification = {"id": ward, "bed_type": bed_type, "bed_count": beds}
        apply = bed_pb.ApplyWardsRequest(request_id=new_id(), facility=COUNTY, wards=[specification])
        await self.beds.ApplyWards(apply, metadata=self.hospital.as_("", Role.OPERATOR))

    async def holder(self) -> str:
        """The referral that has the ward's only bed."""
        return (await self.ward()).beds[0].hold.referral

    async def waiting(self) -> list[str]:
        request = bed_pb.ListWaitingRequest(facility=COUNTY)
        found = await self.beds.ListWaiting(request, metadata=self.desk)
        return [entry.referral for entry in found.entries]

    async def region(self, referral: str) -> str:
        request = pb.GetReferralRequest(name=referral)
        found = await self.hospital.referrals.GetReferral(request, metadata=self.hospital.as_(COUNTY))
        return referral_pb2.BedRegion.Name(found.referral.bed_region).removeprefix("BED_REGION_")

    async def version(self, referral: str) -> int:
        request = pb.GetReferralRequest(name=referral)
        found = await self.hospital.referrals.GetReferral(request, metadata=self.hospital.as_(COUNTY))
        return int(found.referral.version)

    async def heard_version(self, referral: str) -> int:
        """The referral's last event that the bed service has handled."""
        connection = await asyncpg.connect(self.bed_dsn)
        try:
            statement = "SELECT version FROM inbox WHERE aggregate_id = $1"
            return int(await connection.fetchval(statement, referral) or 0)
        finally:
            await connection.close()

    async def accepted(self) -> str:
        created = await self.hospital.create(bed_type="BED_TYPE_STROKE_UNIT")
        await self.hospital.referrals.AcceptReferral(
            accept_request(created.name), metadata=self.hospital.as_(COUNTY)
        )
        return str(created.name)

    async def cancel(self, referral: str) -> None:
        hospital = self.hospital
        request = pb.CancelReferralRequest(
            request_id=new_id(),
            name=referral,
            reason=REASON,  # type: ignore[arg-type]
        )
        await hospital.referrals.CancelReferral(request, metadata=hospital.as_(BRANCH))
        confirm = pb.ConfirmCancellationRequest(request_id=new_id(), name=referral)
        await hospital.referrals.ConfirmCancellation(confirm, metadata=hospital.as_(COUNTY))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def county(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[County]:
    """Servers of this module's own: the services read the whole of their topics."""
    folder: Path = tmp_path_factory.mktemp("follows")
    databases = ["tierlink_referral", "tierlink_bed"]
    async with EmbeddedStack(folder / "stack", databases=databases, durable=False) as stack:
        kafka = stack.kafka_bootstrap
        async with referral_service(
            folder / "referral",
            dsn=stack.postgres_dsn("tierlink_referral"),
            kafka=kafka,
            parts="grpc,relay,consumer,deadlines",
        ) as (hospital, _):
            process = ServiceProcess(
                "bed",
                folder=folder / "bed",
                environment={
                    "TIERLINK_BED_DSN": stack.postgres_dsn("tierlink_bed"),
                    "TIERLINK_KAFKA_BOOTSTRAP": kafka,
                    "TIERLINK_JWKS": str(folder / "referral" / "keys" / "jwks.json"),
                    "TIERLINK_LOG_LEVEL": "WARNING",
                },
            )
            await asyncio.to_thread(process.start)
            try:
                async with grpc.aio.insecure_channel(process.ready.grpc) as channel:
                    yield County(
                        hospital=hospital,
                        bed_process=process,
                        bed_channel=channel,
                        referral_dsn=stack.postgres_dsn("tierlink_referral"),
                        bed_dsn=stack.postgres_dsn("tierlink_bed"),
                    )
            finally:
                process.stop()


async def until(condition: Callable[[], Awaitable[bool]], what: str) -> float:
    """Waits within a bound; returns how long it took."""
    since_s = time.monotonic()
    while True:
        try:
            if await condition():
                return time.monotonic() - since_s
        except grpc.aio.AioRpcError as error:
            assert error.code() is grpc.StatusCode.UNAVAILABLE, error
        assert time.monotonic() - since_s < BOUND_S, f"not within {BOUND_S} s: {what}"
        await asyncio.sleep(0.02)


ENDS = ("cancelled", "expired", "diverted", "closed", "died")


async def of_intensive_care(county: County, ward: str) -> tuple[referral_ends.Ends, dict[str, str]]:
    """A bed for each end, each with a referral that is about to end so."""
    await county.apply(ward, referral_ends.BED_TYPE, len(ENDS))

    async def knows_its_bed(referral: str) -> None:
        async def is_held() -> bool:
            return await county.region(referral) == "HELD"

        await until(is_held, f"{referral} knows of its bed")

    async def is_heard(referral: str) -> None:
        async def has_heard() -> bool:
            return await county.heard_version(referral) == await county.version(referral)

        await until(has_heard, f"{referral} is heard of")

    ends = referral_ends.Ends(
        hospital=county.hospital,
        beds=county.beds,
        referral_dsn=county.referral_dsn,
        knows_its_bed=knows_its_bed,
        is_heard=is_heard,
    )
    names = {end: await ends.bring(end) for end in ENDS}
    counts = (await county.ward(ward)).counts
    assert (counts.free, counts.held) == (0, len(ENDS))
    return ends, names


async def refused_another_bed(county: County, names: dict[str, str]) -> None:
    """What has ended gets no bed from people either; a diverted referral goes on."""
    for referral in (name for end, name in names.items() if end != "diverted"):
        request = bed_pb.HoldBedRequest(
            request_id=new_id(),
            facility=COUNTY,
            referral=referral,
            patient="P-1",
            bed_type=referral_ends.BED_TYPE,  # type: ignore[arg-type]
            expires_at=datetime.now(UTC) + timedelta(hours=1),  # type: ignore[arg-type]
        )
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await county.beds.HoldBed(request, metadata=county.desk)
        assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
        (violation,) = details(caught.value)["PreconditionFailure"].violations
        assert violation.type == "REFERRAL_ENDED"


async def held_for(county: County, ward: str) -> set[str]:
    return {bed.hold.referral for bed in (await county.ward(ward)).beds if bed.HasField("hold")}


async def test_each_end_of_a_referral_gives_its_bed_back(
    county: County, capsys: pytest.CaptureFixture[str]
) -> None:
    ends, names = await of_intensive_care(county, "icu")
    left = set(names.values())
    taken: list[str] = []
    for end, name in names.items():
        await ends.end(end, name)
        left.remove(name)

        async def is_given_back(left: set[str] = frozenset(left)) -> bool:  # type: ignore[assignment]
            return await held_for(county, "icu") == left

        taken.append(f"{end} {await until(is_given_back, f'only those that go on have a bed: {end}'):.2f} s")
    await refused_another_bed(county, names)
    with capsys.disabled():
        print(f"\nbeds given back: {', '.join(taken)}")


async def test_what_ended_while_the_bed_service_was_dead_has_no_bed_when_it_is_back(
    county: County, capsys: pytest.CaptureFixture[str]
) -> None:
    ends, names = await of_intensive_care(county, "icu")
    await asyncio.to_thread(county.bed_process.kill)
    for end, name in names.items():
        await ends.end(end, name)
    await asyncio.to_thread(county.bed_process.start)

    async def is_free() -> bool:
        return (await county.ward("icu")).counts.free == len(ENDS)

    back_s = await until(is_free, "nobody has a bed")
    with capsys.disabled():
        print(f"\nafter kill -9 and start, five beds given back in {back_s:.2f} s")


async def test_what_ends_while_the_bed_service_is_away_holds_no_bed_when_it_is_back(
    county: County, capsys: pytest.CaptureFixture[str]
) -> None:
    await county.apply("unit", "BED_TYPE_STROKE_UNIT", 1)

    async def has(referral: str) -> bool:
        return await county.holder() == referral

    async def waits(*referrals: str) -> bool:
        return await county.waiting() == list(referrals)

    async def stands(referral: str, region: str) -> bool:
        return await county.region(referral) == region

    first = await county.accepted()
    await until(lambda: has(first), "the first has the bed")
    second, third = await county.accepted(), await county.accepted()
    await until(lambda: waits(second, third), "the others wait in order")
    await until(lambda: stands(second, "UNAVAILABLE"), "the second knows that there is no bed")

    ended = time.monotonic()
    await county.cancel(first)
    await until(lambda: has(second), "the second has the bed of the first")
    followed_s = time.monotonic() - ended
    await until(lambda: stands(second, "HELD"), "the second knows of its bed")
    assert await county.waiting() == [third]

    await asyncio.to_thread(county.bed_process.stop)
    await county.cancel(second)
    await county.cancel(third)
    await asyncio.to_thread(county.bed_process.start)
    assert await county.holder() in {second, ""}

    async def is_free() -> bool:
        return (await county.ward()).counts.free == 1

    back_s = await until(is_free, "nobody has the bed")
    await until(waits, "nobody waits")
    # A second where the machine has nothing else to do; tests share it.
    assert max(followed_s, back_s) < 10
    with capsys.disabled():
        print(f"\nfollowed in {followed_s:.2f} s; after its return in {back_s:.2f} s")


async def test_the_hold_follows_the_patient_to_a_new_time_of_arrival(county: County) -> None:
    """On the road: the hold was for one arrival, and the ambulance says another."""
    specification = {"id": "road", "bed_type": "BED_TYPE_STROKE_UNIT", "bed_count": 3}
    apply = bed_pb.ApplyWardsRequest(request_id=new_id(), facility=COUNTY, wards=[specification])
    await county.beds.ApplyWards(apply, metadata=county.hospital.as_("", Role.OPERATOR))
    referral = await county.accepted()

    async def is_held() -> bool:
        return await county.region(referral) == "HELD"

    await until(is_held, "it has a bed")
    hospital = county.hospital
    depart = pb.DepartPatientRequest(
        request_id=new_id(),
        name=referral,
        transport={"crew_level": "CREW_LEVEL_ADVANCED"},  # type: ignore[arg-type]
        handover_document={"summary": "交接"},  # type: ignore[arg-type]
    )
    await hospital.referrals.DepartPatient(depart, metadata=hospital.as_(BRANCH))
    eta = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=5)
    changed = pb.UpdateArrivalEstimateRequest(
        request_id=new_id(),
        name=referral,
        estimated_arrival_time=eta,  # type: ignore[arg-type]
    )
    await hospital.referrals.UpdateArrivalEstimate(changed, metadata=hospital.as_(BRANCH, Role.AMBULANCE))

    async def is_held_until_then() -> bool:
        found = await county.beds.ListBeds(bed_pb.ListBedsRequest(facility=COUNTY), metadata=county.desk)
        holds = [bed.hold for ward in found.wards for bed in ward.beds if bed.hold.referral == referral]
        return [(hold.patient_in_transit, hold.expires_at.ToDatetime(UTC)) for hold in holds] == [
            (True, eta + timedelta(minutes=30))
        ]

    await until(is_held_until_then, "the hold ends half an hour after the new time of arrival")
