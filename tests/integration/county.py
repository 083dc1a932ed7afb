"""Referral and bed service over Kafka, for tests of what the one does when the other is away."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import grpc
import pytest

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

BOUND_S = 40.0
REASON = {"code": "PATIENT_STAYS"}


@dataclass(frozen=True, kw_only=True)
class County:
    """A referral service and a bed service, each a process, with Kafka between them."""

    hospital: Hospital
    stack: EmbeddedStack
    bed_process: ServiceProcess
    #: not started
    second_bed_process: ServiceProcess
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


@asynccontextmanager
async def open_county(folder: Path) -> AsyncIterator[County]:
    """Servers of its own: the services read the whole of their topics."""
    databases = ["tierlink_referral", "tierlink_bed"]
    async with EmbeddedStack(folder / "stack", databases=databases, durable=False) as stack:
        kafka = stack.kafka_bootstrap
        async with referral_service(
            folder / "referral",
            dsn=stack.postgres_dsn("tierlink_referral"),
            kafka=kafka,
            parts="grpc,relay,consumer,deadlines",
        ) as (hospital, _):
            environment = {
                "TIERLINK_BED_DSN": stack.postgres_dsn("tierlink_bed"),
                "TIERLINK_KAFKA_BOOTSTRAP": kafka,
                "TIERLINK_JWKS": str(folder / "referral" / "keys" / "jwks.json"),
                "TIERLINK_LOG_LEVEL": "WARNING",
            }
            process = ServiceProcess("bed", folder=folder / "bed", environment=environment)
            await asyncio.to_thread(process.start)
            try:
                async with grpc.aio.insecure_channel(process.ready.grpc) as channel:
                    yield County(
                        hospital=hospital,
                        stack=stack,
                        bed_process=process,
                        second_bed_process=ServiceProcess(
                            "bed", folder=folder / "bed-2", environment=environment
                        ),
                        bed_channel=channel,
                        referral_dsn=stack.postgres_dsn("tierlink_referral"),
                        bed_dsn=stack.postgres_dsn("tierlink_bed"),
                    )
            finally:
                await asyncio.to_thread(process.stop)


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
