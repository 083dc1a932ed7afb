"""What goes wrong between relay and Kafka is mended without a gap, and one bad topic holds up no other."""

import asyncio
import time
from typing import Any

import pytest
from aiokafka import TopicPartition

from services.shared.database.pool import Database
from services.shared.eventstore.runner import CommandRunner
from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.producer import ProducerSettings, abandon_producer, start_producer
from services.shared.kafka.topics import TopicRefused, TopicSpec, ensure_topics
from services.shared.kernel.refusals import DependencyDown
from services.shared.outbox.relay import RelaySettings
from services.shared.outbox.table import RELAY_SESSION
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

_QUICK = RelaySettings(source="/tierlink/test", poll_s=0.05, backoff_max_s=0.2)
_NOWHERE = KafkaAddress(bootstrap="127.0.0.1:1")


def _sent(relay: Any) -> list[Any]:
    return [lane.publisher._producer for lane in relay._lanes if lane.publisher._producer is not None]


async def test_an_out_of_order_sequence_rebuilds_the_producer(
    stack: SharedStack, database: CreateDatabase, topic_prefix: str
) -> None:
    dsn, topic = await event_store_database(stack, database), f"{topic_prefix}parcels.v1"
    await ensure_topics(KafkaAddress(bootstrap=stack.kafka_bootstrap), [TopicSpec(name=topic, partitions=1)])
    async with (
        opened_store(dsn) as store,
        opened(dsn) as plain,
        running_relay(dsn, stack.kafka_bootstrap, _QUICK) as running,
    ):
        runner, kind = CommandRunner(store), parcels(topic)

        async def move_all(*names: str) -> None:
            for name in names:
                for key in range(8):
                    await move(runner, kind, f"parcels/{key}", name)

        async def emptied() -> bool:
            return bool(await plain.fetch_value("SELECT count(*) = 0 FROM outbox"))

        await move_all("one")
        await until(emptied)
        before = _sent(running.relay)
        assert before
        for producer in before:
            # As if a batch had got lost on the way: Kafka refuses what comes next.
            producer._txn_manager.increment_sequence_number(TopicPartition(topic, 0), 5)
        await move_all("two", "three")
        await until(emptied)
        assert running.metrics.failures.labels("kafka")._value.get() >= 1
        assert not set(before) & set(_sent(running.relay))
        seen = await read_events(stack.kafka_bootstrap, topic, distinct=24)
        assert set(map(tuple, first_occurrences(seen).values())) == {(1, 2, 3)}


async def test_a_topic_that_is_not_there_holds_up_no_other(
    stack: SharedStack, database: CreateDatabase, topic_prefix: str
) -> None:
    dsn, topic = await event_store_database(stack, database), f"{topic_prefix}parcels.v1"
    absent = f"{topic_prefix}absent.v1"
    kafka = KafkaAddress(bootstrap=stack.kafka_bootstrap)
    await ensure_topics(kafka, [TopicSpec(name=topic, partitions=1)])
    async with (
        opened_store(dsn) as store,
        opened(dsn) as plain,
        running_relay(dsn, stack.kafka_bootstrap, _QUICK) as running,
    ):
        runner = CommandRunner(store)
        for key in range(8):
            await move(runner, parcels(absent), f"absent/{key}", "there")
            await move(runner, parcels(topic), f"parcels/{key}", "there")
        assert len(await read_events(stack.kafka_bootstrap, topic, distinct=8)) == 8
        assert await _waiting(plain, absent) == 8
        assert running.metrics.failures.labels("topic")._value.get() >= 1
        assert running.metrics.failures.labels("kafka")._value.get() == 0
        await ensure_topics(kafka, [TopicSpec(name=absent, partitions=1)])
        assert len(await read_events(stack.kafka_bootstrap, absent, distinct=8)) == 8


async def _waiting(plain: Database, topic: str) -> int:
    return int(await plain.fetch_value("SELECT count(*) FROM outbox WHERE topic = $1", topic))


async def test_a_message_larger_than_any_batch_goes_out_too(
    stack: SharedStack, database: CreateDatabase, topic_prefix: str
) -> None:
    dsn, topic = await event_store_database(stack, database), f"{topic_prefix}parcels.v1"
    await ensure_topics(KafkaAddress(bootstrap=stack.kafka_bootstrap), [TopicSpec(name=topic, partitions=1)])
    async with (
        opened(dsn, session=RELAY_SESSION) as plain,
        running_relay(dsn, stack.kafka_bootstrap, _QUICK),
    ):
        for version, length in enumerate((10, 4_000_000, 10), start=1):
            await plain.execute(
                "INSERT INTO outbox (shard, topic, key, version, value, event_id, type, recorded_at,"
                " traceparent) VALUES (0, $1, 'k', $2, $3, gen_random_uuid(), 'Moved', now(), '')",
                topic,
                version,
                b"x" * length,
            )
        seen = await read_events(stack.kafka_bootstrap, topic, distinct=3)
    assert first_occurrences(seen) == {"k": [1, 2, 3]}


async def test_topics_are_made_once_and_stay_as_they_are(stack: SharedStack, topic_prefix: str) -> None:
    kafka = KafkaAddress(bootstrap=stack.kafka_bootstrap)
    spec = TopicSpec(name=f"{topic_prefix}made", partitions=2)
    await asyncio.gather(*(ensure_topics(kafka, [spec]) for _ in range(4)))
    await ensure_topics(kafka, [TopicSpec(name=spec.name, partitions=5)])  # said so in the log, no more
    with pytest.raises(TopicRefused):
        await ensure_topics(kafka, [TopicSpec(name=f"{topic_prefix}not allowed!")])


async def test_without_kafka_everybody_says_so_within_a_bound() -> None:
    began_s = time.monotonic()
    with pytest.raises(DependencyDown):
        await ensure_topics(_NOWHERE, [TopicSpec(name="t")], timeout_s=0.5)
    with pytest.raises(DependencyDown):
        await start_producer(_NOWHERE, ProducerSettings(client_id="test"), timeout_s=2.0)
    assert time.monotonic() - began_s < 20.0


async def test_a_producer_is_dropped_with_what_it_holds(stack: SharedStack, topic_prefix: str) -> None:
    kafka = KafkaAddress(bootstrap=stack.kafka_bootstrap)
    await ensure_topics(kafka, [TopicSpec(name=f"{topic_prefix}t", partitions=1)])
    producer = await start_producer(kafka, ProducerSettings(client_id="test", linger_ms=60_000))
    delivery = await producer.send(f"{topic_prefix}t", b"never")
    await abandon_producer(producer)
    with pytest.raises(Exception, match="ProducerClosed"):
        await delivery
