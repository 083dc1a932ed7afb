"""Topics of made-up events, and the program's commands on them."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from services.operator.replay.marks import COUNT_HEADER
from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.cloud_events import event_headers
from services.shared.kafka.producer import ProducerSettings, start_producer
from services.shared.kafka.topics import TopicSpec, ensure_topics
from tests.integration.messaging import reader, until
from tests.stack import SharedStack
from tierlink.referral.v1 import referral_events_pb2

BEGIN = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """One event to be put into a topic."""

    aggregate: str
    version: int
    after_s: float = 0
    note: str = ""

    @property
    def event_id(self) -> str:
        return f"{self.aggregate}/{self.version}"

    @property
    def value(self) -> bytes:
        metadata = {"aggregate_id": self.aggregate, "version": self.version, "event_id": self.event_id}
        event = referral_events_pb2.ReferralEvent(
            metadata=metadata, referral_requested={"origin_facility": self.note}
        )
        return event.SerializeToString()


def histories(aggregates: int, versions: int) -> list[Made]:
    """A second between two events; each aggregate's in order, among those of the others."""
    return [
        Made(aggregate=f"referrals/{number}", version=version, after_s=version * aggregates + number)
        for version in range(1, versions + 1)
        for number in range(aggregates)
    ]


async def new_topic(stack: SharedStack, *, partitions: int = 3) -> str:
    """An empty topic of referral events that no service reads."""
    name = f"tierlink.referral.events.v1.{stack.prefix}{uuid4().hex[:8]}"
    kafka = KafkaAddress(bootstrap=stack.kafka_bootstrap)
    await ensure_topics(kafka, [TopicSpec(name=name, partitions=partitions)])
    return name


async def put(stack: SharedStack, topic: str, events: Iterable[Made]) -> None:
    """Publishes events as the relay does."""
    producer = await start_producer(
        KafkaAddress(bootstrap=stack.kafka_bootstrap), ProducerSettings(client_id="test")
    )
    try:
        sent = [
            await producer.send(
                topic,
                each.value,
                key=each.aggregate.encode(),
                headers=event_headers(
                    source=b"/tierlink/referral",
                    event_id=each.event_id,
                    type_="ReferralRequested",
                    subject=each.aggregate.encode(),
                    recorded_at=BEGIN + timedelta(seconds=each.after_s),
                    version=each.version,
                    traceparent="",
                ),
            )
            for each in events
        ]
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


async def records_of(stack: SharedStack, topic: str, *, count: int) -> list[Any]:
    """A topic's records, once there are so many, and those that came within another moment."""
    found: list[Any] = []
    async with reader(stack.kafka_bootstrap, topic) as consumer:

        async def complete() -> bool:
            for records in (await consumer.getmany(timeout_ms=100)).values():
                found.extend(records)
            return len(found) >= count

        await until(complete)
        for records in (await consumer.getmany(timeout_ms=500)).values():
            found.extend(records)
    return found


def by_key(records: Sequence[Any]) -> dict[str, list[int]]:
    """Versions of each key in the order in which they stand."""
    versions: dict[str, list[int]] = {}
    for record in records:
        versions.setdefault(record.key.decode(), []).append(int(dict(record.headers)["ce_sequence"]))
    return versions


def replays(records: Sequence[Any]) -> set[bytes]:
    """What the records say of how often they were replayed."""
    return {dict(record.headers).get(COUNT_HEADER, b"0") for record in records}


@asynccontextmanager
async def started(stack: SharedStack, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`tierlink events …` as a process that is killed when the block ends."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.operator", "events", *arguments),
        *("--kafka", stack.kafka_bootstrap, "--lang", "en"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def events(stack: SharedStack, *arguments: str) -> tuple[int, str, str]:
    """Exit code of `tierlink events …`, standard output and standard error."""
    async with started(stack, *arguments) as process:
        out, err = await process.communicate()
        return process.returncode or 0, out.decode(), err.decode()
