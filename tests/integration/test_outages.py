"""Kafka and PostgreSQL go away and come back under a running referral service."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import grpc
import psutil
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, TopicPartition

from services.embedded import EmbeddedStack
from services.operator.platform.service_process import ServiceProcess
from services.shared.kafka.topics import TopicSpec
from tests.integration.hospital import (
    BRANCH,
    COUNTY,
    Hospital,
    create_request,
    details,
    new_id,
    referral_service,
)
from tierlink.referral.v1 import referral_service_pb2 as pb

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOPIC = "tierlink.referral.events.v1"
BOUND_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Site:
    stack: EmbeddedStack
    hospital: Hospital
    process: ServiceProcess
    dsn: str

    async def outbox(self) -> int:
        connection = await asyncpg.connect(self.dsn)
        try:
            return int(await connection.fetchval("SELECT count(*) FROM outbox"))
        finally:
            await connection.close()

    def cpu_s(self) -> float:
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """Servers of this module's own: nobody else's may be taken away."""
    folder: Path = tmp_path_factory.mktemp("outage")
    async with EmbeddedStack(folder / "stack", databases=["tierlink_referral"], durable=False) as stack:
        dsn = stack.postgres_dsn("tierlink_referral")
        async with referral_service(
            folder / "service", dsn=dsn, kafka=stack.kafka_bootstrap, parts="grpc,relay"
        ) as (hospital, process):
            yield Site(stack=stack, hospital=hospital, process=process, dsn=dsn)


async def until(condition: Callable[[], Any], what: str) -> None:
    """Waits for a condition, within a bound."""
    deadline_s = time.monotonic() + BOUND_S
    while not await condition():
        assert time.monotonic() < deadline_s, f"not within {BOUND_S} s: {what}"
        await asyncio.sleep(0.1)


async def published(site: Site, keys: set[str]) -> dict[str, list[int]]:
    """Versions of the events of `keys`, in the order in which Kafka has them."""
    consumer = AIOKafkaConsumer(bootstrap_servers=site.stack.kafka_bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        partitions = [TopicPartition(TOPIC, number) for number in range(TopicSpec(name=TOPIC).partitions)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        found: dict[str, list[int]] = {key: [] for key in keys}
        while True:
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                for record in batch:
                    key = record.key.decode()
                    if key in keys:
                        found[key].append(int(dict(record.headers)["ce_sequence"]))
            positions = [await consumer.position(partition) for partition in partitions]
            if all(position >= ends[p] for p, position in zip(partitions, positions, strict=True)):
                return found
    finally:
        await consumer.stop()


async def test_without_kafka_commands_are_answered_and_events_wait_and_go_in_order(site: Site) -> None:
    hospital = site.hospital
    site.stack.kafka.kill()
    referrals = [await hospital.create() for _ in range(8)]
    for referral in referrals:
        acknowledge = pb.AcknowledgeOfferRequest(request_id=new_id(), name=referral.name)
        await hospital.referrals.AcknowledgeOffer(acknowledge, metadata=hospital.as_(COUNTY))
    assert await site.outbox() >= 16

    used_s, since_s = site.cpu_s(), time.monotonic()
    await asyncio.sleep(2.0)  # not to synchronise: the time over which idleness is measured
    busy = (site.cpu_s() - used_s) / (time.monotonic() - since_s)
    await asyncio.to_thread(site.stack.kafka.start)

    async def is_empty() -> bool:
        return await site.outbox() == 0

    await until(is_empty, "the outbox is empty")
    versions = await published(site, {referral.name for referral in referrals})
    assert all(list(dict.fromkeys(found)) == [1, 2] for found in versions.values()), versions
    assert busy < 0.5, "the service loops while Kafka is away"


async def test_without_postgresql_callers_are_told_and_the_service_comes_back_by_itself(site: Site) -> None:
    hospital = site.hospital
    await hospital.create()
    request = create_request()
    site.stack.postgres.kill()

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await hospital.referrals.CreateReferral(request, metadata=hospital.as_(BRANCH), timeout=30)
    used_s, since_s = site.cpu_s(), time.monotonic()
    await asyncio.sleep(2.0)  # not to synchronise: the time over which idleness is measured
    busy = (site.cpu_s() - used_s) / (time.monotonic() - since_s)
    await asyncio.to_thread(site.stack.postgres.start)

    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert details(caught.value)["RetryInfo"].HasField("retry_delay")
    replies: list[Any] = []

    async def is_answered() -> bool:
        try:
            reply = await hospital.referrals.CreateReferral(request, metadata=hospital.as_(BRANCH))
        except grpc.aio.AioRpcError as error:
            assert error.code() is grpc.StatusCode.UNAVAILABLE
            return False
        replies.append(reply)
        return True

    await until(is_answered, "the same request is answered")
    assert replies[0].referral.version == 1
    assert busy < 0.5, "the service loops while PostgreSQL is away"
    assert site.process.is_running
