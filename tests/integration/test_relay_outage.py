"""Kafka goes away and comes back: commands go on, events wait and go out in order, streams lose nothing."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from aiokafka import AIOKafkaProducer

from services.embedded.kafka import KafkaServer
from services.shared.database.pool import Database
from services.shared.eventstore.postgres_store import PostgresEventStore
from services.shared.eventstore.runner import CommandRunner
from services.shared.inbox.consumer import ConsumerSettings
from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.topics import TopicSpec, ensure_topics
from services.shared.outbox.relay import RelaySettings
from tests.integration.feed_kit import Reader, Topic
from tests.integration.inbox_kit import Service, consuming
from tests.integration.messaging import (
    event_store_database,
    first_occurrences,
    move,
    opened,
    opened_store,
    parcels,
    read_events,
    running_relay,
    until,
)
from tests.stack import CreateDatabase, SharedStack

_SETTINGS = RelaySettings(source="/tierlink/test", ack_timeout_s=1.0, backoff_max_s=0.5)
_KEYS = tuple(f"parcels/{number}" for number in range(5))


@asynccontextmanager
async def own_kafka(folder: Path) -> AsyncIterator[KafkaServer]:
    """A Kafka that no other test uses, so that it can be killed."""
    server = KafkaServer(folder / "kafka", is_temporary=True)
    await asyncio.to_thread(server.start)
    try:
        yield server
    finally:
        await asyncio.to_thread(server.stop)


async def _move_all(runner: CommandRunner, topic: str, rounds: range) -> None:
    for number in rounds:
        for key in _KEYS:
            await move(runner, parcels(topic), key, f"{number}")


async def test_events_wait_for_kafka_and_then_reach_everybody_in_order(
    stack: SharedStack, database: CreateDatabase, tmp_path: Path
) -> None:
    dsn, topic = await event_store_database(stack, database), "parcels"
    other_dsn = await event_store_database(stack, database)
    async with own_kafka(tmp_path) as kafka:
        address = KafkaAddress(bootstrap=kafka.bootstrap)
        await ensure_topics(
            address, [TopicSpec(name=topic, partitions=3), TopicSpec(name="dlq", partitions=1)]
        )
        async with (
            opened(dsn) as plain,
            opened(other_dsn) as other,
            opened_store(dsn) as store,
            opened_store(other_dsn) as other_store,
            AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer,
            running_relay(dsn, kafka.bootstrap, _SETTINGS) as relay,
            Topic(kafka=address, name=topic, producer=producer).tail() as tail,
        ):
            service = _service(stack, kafka.bootstrap, other, other_store, producer)
            async with consuming(service.consumer()):
                reader = Reader(tail)
                await until(lambda: len(reader.heartbeats) > 0)
                runner = CommandRunner(store)
                await _move_all(runner, topic, range(5))
                await until(lambda: len(reader.items) == 25)

                await asyncio.to_thread(kafka.kill)
                began_s = time.monotonic()
                await _move_all(runner, topic, range(5, 15))
                assert time.monotonic() - began_s < 10.0, "commands do not wait for Kafka"
                await until(lambda: relay.metrics.failures.labels("kafka")._value.get() >= 2)
                assert await plain.fetch_value("SELECT count(*) FROM outbox") == 50
                assert await _busy_share(1.0) < 0.5, "nothing spins while Kafka is away"

                await asyncio.to_thread(kafka.start)
                await until(lambda: len(reader.items) == 75)
                await until(lambda: service.count("applied") == 75)
                seen = await read_events(kafka.bootstrap, topic, distinct=75)
                for key in _KEYS:
                    assert first_occurrences(seen)[key] == list(range(1, 16))
                    assert reader.versions(key) == list(range(1, 16)), "each once, across the outage"
                    assert await service.effects(key) == [str(version) for version in range(1, 16)]

                async def emptied() -> bool:
                    return bool(await plain.fetch_value("SELECT count(*) = 0 FROM outbox"))

                await until(emptied)
                await reader.close()


def _service(
    stack: SharedStack,
    bootstrap: str,
    database: Database,
    store: PostgresEventStore,
    producer: AIOKafkaProducer,
) -> Service:
    return Service(
        stack=replace(stack, kafka_bootstrap=bootstrap),
        topic="parcels",
        settings=ConsumerSettings(group="outage", topics=("parcels",), dlq_topic="dlq"),
        database=database,
        store=store,
        producer=producer,
    )


async def _busy_share(span_s: float) -> float:
    """The share of one processor that this process uses."""
    began_s, used_s = time.monotonic(), time.process_time()
    await asyncio.sleep(span_s)
    return (time.process_time() - used_s) / (time.monotonic() - began_s)
