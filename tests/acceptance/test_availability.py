"""The availability that faust computes, beside a count in SQL; also after worker and state are gone."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import grpc
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from services.bed.adapters.availability_generation import generation, usable_generation
from services.bed.adapters.availability_records import AVAILABILITY_TOPIC
from services.bed.adapters.availability_stream import COUNTS_TOPIC, changelog
from services.board.adapters.bed_news import GrpcBedNews
from services.embedded import EmbeddedStack
from services.operator.platform.service_process import ServiceProcess
from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.cloud_events import event_headers
from services.shared.kernel.actor import Role
from services.shared.rpc.channels import Addresses, open_channels
from services.shared.rpc.signing import generate_signing_key, write_key_files
from tests.integration.hospital import Hospital, new_id
from tests.integration.messaging import until
from tierlink.bed.v1 import bed_events_pb2, bed_pb2, bed_service_pb2_grpc
from tierlink.bed.v1 import bed_service_pb2 as pb
from tierlink.referral.v1 import directory_pb2
from tierlink.type.v1 import type_pb2

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

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

    def worker(self, name: str) -> ServiceProcess:
        return ServiceProcess(
            "availability",
            folder=self.folder / name,
            environment={
                "TIERLINK_KAFKA_BOOTSTRAP": self.stack.kafka_bootstrap,
                "TIERLINK_LOG_LEVEL": "WARNING",
            },
            module="services.bed.availability",
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


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def bedside(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bedside]:
    folder = tmp_path_factory.mktemp("availability")
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


async def test_the_table_is_the_same_after_its_worker_and_its_state_are_gone(
    bedside: Bedside, capsys: pytest.CaptureFixture[str]
) -> None:
    worker = bedside.worker("first")
    await asyncio.to_thread(worker.start)
    taken: list[float] = []
    try:
        await bedside.work(seed=1, steps=60)
        await until(bedside.agrees)
        await bedside.work(seed=2, steps=20)
        async with bedside.watching() as told:

            async def is_told() -> bool:
                return told == await bedside.in_sql()

            for number in (1, 2):
                await until(partial(_has_committed, bedside, generation(number)))
                worker.kill()
                await bedside.work(seed=2 + number, steps=20)
                assert await bedside.watched() == await bedside.in_sql()
                await _delete_state(bedside, generation(number))
                worker = bedside.worker(f"again-{number}")
                begun_s = time.monotonic()
                await asyncio.to_thread(worker.start)
                await until(bedside.agrees)
                taken.append(time.monotonic() - begun_s)
                # Whatever order the rebuild told the wards in.
                await until(is_told)
        await until(partial(_has_committed, bedside, generation(3)))
    finally:
        worker.kill()
    # One that has its table still goes on with it: nothing of it was made anew.
    await bedside.work(seed=5, steps=20)
    worker = bedside.worker("last")
    await asyncio.to_thread(worker.start)
    try:
        await until(bedside.agrees)
        kafka = KafkaAddress(bootstrap=bedside.stack.kafka_bootstrap)
        assert await usable_generation(kafka) == generation(3)
        heard_s = await _seconds_until_heard(bedside)
    finally:
        await asyncio.to_thread(worker.stop)
    with capsys.disabled():
        print(f"\nthe table was made anew in {', '.join(f'{each:.1f} s' for each in taken)}")
        print(f"a bed map heard of a change after {heard_s:.2f} s")


async def _seconds_until_heard(bedside: Bedside) -> float:
    """From a change to a bed map's hearing of it, through the stream that the board reads."""
    addresses = Addresses(referral=bedside.address, bed=bedside.address, notification=bedside.address)
    (_, token), *_ = bedside.hospital.as_(FACILITIES[0], Role.BED_DESK)
    async with open_channels(addresses) as channels:
        news = GrpcBedNews(channels).watch(token.removeprefix("Bearer "), FACILITIES[0], "")
        async with aclosing(news), asyncio.timeout(30):
            while not (await anext(news)).resume_token:
                pass
            begun_s = time.monotonic()
            await bedside.confirm(f"{FACILITIES[0]}-icu")
            while (heard := await anext(news)).resource is None:
                pass
            assert heard.resource == {"facility": FACILITIES[0], "bed_type": "BED_TYPE_ICU"}
            return time.monotonic() - begun_s


async def _has_committed(bedside: Bedside, app: str) -> bool:
    """Whether the group would go on behind what it has read."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bedside.stack.kafka_bootstrap)
    await admin.start()
    try:
        committed = await admin.list_consumer_group_offsets(app)
    finally:
        await admin.close()
    return any(found.offset > 0 for found in committed.values())


async def _delete_state(bedside: Bedside, app: str) -> None:
    """Everything that a worker had: its table's changelog, and what lay between its two steps."""
    gone = {changelog(app), COUNTS_TOPIC}
    admin = AIOKafkaAdminClient(bootstrap_servers=bedside.stack.kafka_bootstrap)
    await admin.start()

    async def is_deleted() -> bool:
        return not gone & set(await admin.list_topics())

    try:
        await admin.delete_topics(sorted(gone))
        await until(is_deleted)
    finally:
        await admin.close()


async def test_a_search_finds_the_nearest_bed_that_may_take_the_patient(bedside: Bedside) -> None:
    minutes = {"a-county": 20, "b-county": 90, "c-county": 240}
    await bedside.tell_directory(
        *(
            directory_pb2.Facility(
                id=facility,
                name=type_pb2.BilingualText(zh=facility, en=facility),
                capabilities=["STROKE"] if facility != "a-county" else [],
                travel_minutes={"branch": minutes[facility]},
            )
            for facility in FACILITIES
        )
    )

    async def found(**wish: Any) -> list[str]:
        reply = await bedside.beds.SearchBeds(
            pb.SearchBedsRequest(origin="branch", bed_type="BED_TYPE_MATERNITY", **wish),
            metadata=bedside.hospital.as_("branch"),
        )
        return [each.facility for each in reply.found]

    async def knows_all() -> bool:
        return await found() == ["a-county", "b-county", "c-county"]

    await until(knows_all)
    assert await found(pathway="PATHWAY_STROKE") == ["b-county", "c-county"]
    assert await found(pathway="PATHWAY_STROKE", travel_minutes_max=120) == ["b-county"]
    assert await found(isolation_needed=True) == []
