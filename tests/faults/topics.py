"""Reads the topics of events as an outsider does: no group, nobody's place is moved."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from services.operator.events.topics import EVENT_TOPICS
from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.consumer import FetchBounds, pin_partitions, start_consumer, stop_consumer

_START_S = 15.0


@asynccontextmanager
async def open_topics(
    bootstrap: str, names: Sequence[str] = ()
) -> AsyncIterator[tuple[AIOKafkaConsumer, tuple[TopicPartition, ...]]]:
    """A consumer of these topics, of all events without any, and their partitions.

    Raises DependencyDown, TimeoutError.
    """
    consumer = await start_consumer(
        KafkaAddress(bootstrap=bootstrap),
        client_id="tierlink-faults",
        bounds=FetchBounds(),
        timeout_s=_START_S,
        subscribe=names or [topic.name for topic in EVENT_TOPICS],
        auto_offset_reset="none",
    )
    try:
        yield consumer, pin_partitions(consumer)
    finally:
        await stop_consumer(consumer)


async def every_record(bootstrap: str) -> list[Any]:
    """Every record of the events' topics, from the first to what was the last when this began."""
    async with open_topics(bootstrap) as (consumer, partitions):
        found: list[Any] = []
        ends = await consumer.end_offsets(partitions)
        # By number: `seek_to_beginning` may lose against the look for the end, and nothing is read.
        for partition, first in (await consumer.beginning_offsets(partitions)).items():
            consumer.seek(partition, first)
        while [each for each in partitions if await consumer.position(each) < ends[each]]:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found.extend(records)
        return found


async def latest_records(bootstrap: str, name: str, count_max: int) -> list[Any]:
    """Some of the latest records of a topic."""
    async with open_topics(bootstrap, (name,)) as (consumer, partitions):
        ends = await consumer.end_offsets(partitions)
        for partition, end in ends.items():
            consumer.seek(partition, max(0, end - count_max))
        found = await consumer.getmany(timeout_ms=1000, max_records=count_max)
        return [record for records in found.values() for record in records]


async def left_to_read(bootstrap: str, groups: Sequence[str]) -> Mapping[str, int]:
    """By group, how many records it has not committed of the topics that it ever committed in.

    A group that has committed nowhere, or whose offsets Kafka does not know yet, has all of them to read.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        offsets = {group: await admin.list_consumer_group_offsets(group) for group in groups}
    finally:
        await admin.close()
    async with open_topics(bootstrap) as (consumer, partitions):
        ends = await consumer.end_offsets(partitions)
    read_topics = {group: {each.topic for each in found} for group, found in offsets.items()}
    return {
        group: sum(
            end - (found[partition].offset if partition in found else 0)
            for partition, end in ends.items()
            if not found or partition.topic in read_topics[group]
        )
        for group, found in offsets.items()
    }
