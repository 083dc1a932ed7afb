"""What is folded anew is read from where it was left, and not at all when Kafka has deleted some of it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.cloud_events import event_headers
from services.shared.kafka.topics import TopicSpec, ensure_topics
from services.shared.refolding.topic_source import Places, RecordsGone, Share, TopicSource, open_topics
from tests.stack import SharedStack


@pytest.fixture
async def topic(stack: SharedStack, topic_prefix: str) -> AsyncIterator[str]:
    """A topic of one partition with five events of one aggregate, and one record that nobody can read."""
    name = f"{topic_prefix}read"
    await ensure_topics(KafkaAddress(bootstrap=stack.kafka_bootstrap), [TopicSpec(name=name, partitions=1)])
    producer = AIOKafkaProducer(bootstrap_servers=stack.kafka_bootstrap)
    await producer.start()
    try:
        for version in range(1, 6):
            headers = event_headers(
                source=b"/tierlink/test",
                event_id=str(uuid4()),
                type_="Moved",
                subject=b"p/1",
                recorded_at=datetime.now(UTC),
                version=version,
                traceparent="",
            )
            await producer.send_and_wait(name, b"moved", key=b"p/1", headers=headers)
        await producer.send_and_wait(name, b"poison", key=b"p/1")
    finally:
        await producer.stop()
    yield name


async def _read(source: TopicSource, places: Places) -> tuple[list[int], list[str], Places]:
    versions: list[int] = []
    unreadable: list[str] = []
    reached: dict[tuple[str, int], int] = dict(places)
    async for page in source.pages(places):
        versions += [event.version for event in page.events]
        unreadable += page.unreadable
        reached |= page.places
    return versions, unreadable, reached


async def test_it_goes_on_where_it_was_left(stack: SharedStack, topic: str) -> None:
    async with open_topics(KafkaAddress(bootstrap=stack.kafka_bootstrap), [topic]) as source:
        assert await source.left({}) == 6
        versions, unreadable, reached = await _read(source, {})
        assert versions == [1, 2, 3, 4, 5]
        assert [each.partition(":")[0] for each in unreadable] == [f"{topic}/0@5"]
        assert (reached, await source.left(reached)) == ({(topic, 0): 6}, 0)
        assert (await _read(source, {(topic, 0): 3}))[0] == [4, 5]
        assert (await _read(source, reached))[0] == []


async def test_each_of_several_programs_reads_partitions_of_its_own(
    stack: SharedStack, topic_prefix: str
) -> None:
    kafka, name = KafkaAddress(bootstrap=stack.kafka_bootstrap), f"{topic_prefix}shared"
    await ensure_topics(kafka, [TopicSpec(name=name, partitions=5)])
    producer = AIOKafkaProducer(bootstrap_servers=stack.kafka_bootstrap)
    await producer.start()
    try:
        for partition in range(5):
            await producer.send_and_wait(name, b"poison", partition=partition)
    finally:
        await producer.stop()
    found: dict[int, Places] = {}
    for number in range(2):
        async with open_topics(kafka, [name], share=Share(number=number, of=2)) as source:
            found[number] = (await _read(source, {}))[2]
    assert found == {0: dict.fromkeys(((name, p) for p in (0, 2, 4)), 1), 1: {(name, 1): 1, (name, 3): 1}}


async def test_what_kafka_has_deleted_is_told_and_nothing_is_read_past_it(
    stack: SharedStack, topic: str
) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.kafka_bootstrap)
    await admin.start()
    try:
        await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(before_offset=3)})
    finally:
        await admin.close()
    async with open_topics(KafkaAddress(bootstrap=stack.kafka_bootstrap), [topic]) as source:
        for places, place in (({}, 0), ({(topic, 0): 2}, 2)):
            with pytest.raises(RecordsGone, match=rf"{topic}/0: @{place} < @3"):
                await _read(source, places)
            with pytest.raises(RecordsGone):
                await source.left(places)
        assert (await _read(source, {(topic, 0): 3}))[0] == [4, 5]
