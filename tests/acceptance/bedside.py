"""A bed service with a Kafka of its own, and the worker of availability beside it."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import grpc
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from services.bed.adapters.availability_records import AVAILABILITY_TOPIC
from services.embedded import EmbeddedStack
from services.operator.platform.service_process import ServiceProcess
from services.shared.kafka.cloud_events import event_headers
from services.shared.kernel.actor import Role
from services.shared.rpc.signing import generate_signing_key, write_key_files
from tests.integration.hospital import Hospital, new_id
from tierlink.bed.v1 import bed_events_pb2, bed_pb2, bed_service_pb2_grpc
from tierlink.bed.v1 import bed_service_pb2 as pb
from tierlink.referral.v1 import directory_pb2
from tierlink.type.v1 import type_pb2

#: The last event of each ward.
_COUNTS = """
SELECT DISTINCT ON (stream_id) payload
FROM events
WHERE stream_id LIKE 'wards/%'
ORDER BY stream_id, version DESC
"""
FACILITIES = ("a-county", "b-county", "c-county")
Counts = dict[tuple[str, str], tuple[int, int, int]]


@dataclass(frozen=True, kw_only=True)
class Bedside:
    """A bed service with its own Kafka, and the worker beside it."""

    stack: EmbeddedStack
    hospital: Hospital
    #: of the bed service
    address: str
    folder: Path

    @property
    def beds(self) -> Any:
        return bed_service_pb2_grpc.BedServiceStub(self.hospital.channel)

    async def confirm(self, ward: str) -> None:
        """The ward finds its counts as they are shown."""
        facility = ward.removesuffix("-icu")
        who = self.hospital.as_(facility, Role.BED_DESK)
        page = await self.beds.ListBeds(pb.ListBedsRequest(facility=facility), metadata=who)
        (counts,) = [each.counts for each in page.wards if each.id == ward]
        request = pb.ConfirmCountsRequest(request_id=new_id(), ward=ward, counts=counts)
        await self.beds.ConfirmCounts(request, metadata=who)

    def worker(self, name: str, module: str = "services.bed.availability") -> ServiceProcess:
        return ServiceProcess(
            "availability",
            folder=self.folder / name,
            environment={
                "TIERLINK_KAFKA_BOOTSTRAP": self.stack.kafka_bootstrap,
                "TIERLINK_LOG_LEVEL": "WARNING",
            },
            module=module,
        )

    async def work(self, seed: int, steps: int) -> None:
        """Wards, holds, occupancies and blocks in some order."""
        chance = random.Random(seed)
        for step in range(steps):
            facility = chance.choice(FACILITIES)
            who = self.hospital.as_(facility, Role.BED_DESK)
            hold = pb.HoldBedRequest(
                request_id=new_id(),
                facility=facility,
                referral=f"referrals/{new_id()}",
                patient=f"P-{seed}-{step}",
                bed_type=chance.choice(["BED_TYPE_ICU", "BED_TYPE_GENERAL"]),
            )
            hold.expires_at.FromDatetime(datetime.now(UTC) + timedelta(hours=1))
            try:
                reply = await self.beds.HoldBed(hold, metadata=who)
            except grpc.aio.AioRpcError as error:
                assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
                continue
            if chance.random() < 0.4:
                occupy = pb.OccupyBedRequest(
                    request_id=new_id(),
                    ward=reply.hold.ward,
                    hold=reply.hold.name,
                    fencing_token=reply.hold.fencing_token,
                )
                await self.beds.OccupyBed(occupy, metadata=who)

    async def tell_directory(self, *facilities: directory_pb2.Facility) -> None:
        """As the referral service publishes them."""
        producer = AIOKafkaProducer(bootstrap_servers=self.stack.kafka_bootstrap)
        await producer.start()
        try:
            for version, facility in enumerate(facilities, start=1):
                key = facility.id.encode()
                headers = event_headers(
                    source=b"/test",
                    event_id=new_id(),
                    type_="Facility",
                    subject=key,
                    recorded_at=datetime.now(UTC),
                    version=version,
                    traceparent="",
                )
                value = facility.SerializeToString()
                await producer.send_and_wait("tierlink.directory.v1", value, key=key, headers=headers)
        finally:
            await producer.stop()

    async def watched(self) -> Counts:
        """The first picture of the watch stream."""
        found: Counts = {}
        stream = self.beds.WatchAvailability(
            pb.WatchAvailabilityRequest(), metadata=self.hospital.as_(FACILITIES[0])
        )
        async for message in stream:
            if not message.HasField("availability"):
                break
            found |= _counts(message.availability)
        stream.cancel()
        return found

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[Counts]:
        """What one who began now has been told so far; the stream stays open."""
        told: Counts = {}
        begun = asyncio.Event()
        stream = self.beds.WatchAvailability(
            pb.WatchAvailabilityRequest(), metadata=self.hospital.as_(FACILITIES[0])
        )

        async def listen() -> None:
            async for message in stream:
                if message.HasField("availability"):
                    told.update(_counts(message.availability))
                else:
                    begun.set()

        listening = asyncio.create_task(listen())
        try:
            async with asyncio.timeout(30):
                await begun.wait()
            yield told
            assert not listening.done(), "the stream was open all the time"
        finally:
            stream.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def in_sql(self) -> Counts:
        """Added up from the last event of each ward."""
        connection = await asyncpg.connect(self.stack.postgres_dsn("tierlink_bed"))
        found: Counts = {}
        try:
            for row in await connection.fetch(_COUNTS):
                event = bed_events_pb2.BedEvent.FromString(row["payload"])
                key = (event.facility, type_pb2.BedType.Name(event.bed_type))
                beds, free, held = found.get(key, (0, 0, 0))
                counts = event.counts
                found[key] = (beds + counts.beds, free + counts.free, held + counts.held)
        finally:
            await connection.close()
        return found

    async def published(self) -> Counts:
        """The last record of each key on the topic, read from its beginning."""
        found: Counts = {}
        consumer = AIOKafkaConsumer(
            AVAILABILITY_TOPIC,
            bootstrap_servers=self.stack.kafka_bootstrap,
            auto_offset_reset="earliest",
            group_id=None,
        )
        await consumer.start()
        try:
            ends = await consumer.end_offsets(consumer.assignment())
            while any([await consumer.position(tp) < end for tp, end in ends.items()]):
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    for record in records:
                        found |= _counts(bed_pb2.Availability.FromString(record.value))
        finally:
            await consumer.stop()
        return found

    async def agrees(self) -> bool:
        return await self.published() == await self.in_sql()


def _counts(found: Any) -> Counts:
    counts = found.counts
    key = (found.facility, type_pb2.BedType.Name(found.bed_type))
    return {key: (counts.beds, counts.free, counts.held)}


@asynccontextmanager
async def open_bedside(folder: Path) -> AsyncIterator[Bedside]:
    """Three facilities with four wards each."""
    async with AsyncExitStack() as exits:
        stack = EmbeddedStack(folder / "stack", databases=("tierlink_bed",))
        await exits.enter_async_context(stack)
        key = generate_signing_key()
        process = ServiceProcess(
            "bed",
            folder=folder / "bed",
            environment={
                "TIERLINK_BED_DSN": stack.postgres_dsn("tierlink_bed"),
                "TIERLINK_KAFKA_BOOTSTRAP": stack.kafka_bootstrap,
                "TIERLINK_JWKS": str(write_key_files(key, folder / "keys").jwks),
                "TIERLINK_LOG_LEVEL": "WARNING",
            },
        )
        await asyncio.to_thread(process.start)
        exits.push_async_callback(asyncio.to_thread, process.stop)
        channel = await exits.enter_async_context(grpc.aio.insecure_channel(process.ready.grpc))
        found = Bedside(
            stack=stack,
            hospital=Hospital(key=key, channel=channel),
            address=process.ready.grpc,
            folder=folder,
        )
        for facility in FACILITIES:
            wards = [
                {"id": f"{facility}-icu", "bed_type": "BED_TYPE_ICU", "bed_count": 6},
                {"id": f"{facility}-one", "bed_type": "BED_TYPE_GENERAL", "bed_count": 10},
                {"id": f"{facility}-two", "bed_type": "BED_TYPE_GENERAL", "bed_count": 12},
                {"id": f"{facility}-birth", "bed_type": "BED_TYPE_MATERNITY", "bed_count": 2},
            ]
            await found.beds.ApplyWards(
                pb.ApplyWardsRequest(request_id=new_id(), facility=facility, wards=wards),
                metadata=found.hospital.as_("", Role.OPERATOR),
            )
        yield found
