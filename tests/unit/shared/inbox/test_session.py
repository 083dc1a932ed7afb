"""A poll is handled within its bounds, and only what was handled is committed."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError
from aiokafka.structs import ConsumerRecord
from prometheus_client import CollectorRegistry

from services.shared.inbox.consumer import ConsumerSettings, _Session
from services.shared.inbox.metrics import InboxMetrics
from services.shared.inbox.parking import Received
from services.shared.inbox.turns import Failed, Stopped
from services.shared.kafka.cloud_events import event_headers
from tests.doubles.parcel import NOW

_PARTITION = TopicPartition("t", 0)


def _record(offset: int, key: str) -> ConsumerRecord[bytes, bytes]:
    headers = event_headers(
        source=b"/t", event_id="e", type_="Moved", subject=key.encode(), recorded_at=NOW, version=1,
        traceparent="",
    )  # fmt: skip
    return ConsumerRecord(
        topic="t", partition=0, offset=offset, timestamp=0, timestamp_type=0, key=key.encode(), value=b"",
        checksum=None, serialized_key_size=0, serialized_value_size=0, headers=tuple(headers),
    )  # fmt: skip


class Consumer:
    """Kafka's side: hands out polls, and remembers what was committed."""

    def __init__(self, *polls: Sequence[ConsumerRecord[bytes, bytes]]) -> None:
        self.polls = list(polls)
        self.committed: dict[TopicPartition, int] = {}
        self.is_rebalancing = False

    async def getmany(self, **bounds: int) -> dict[TopicPartition, Any]:
        return {_PARTITION: self.polls.pop(0)} if self.polls else {}

    def assignment(self) -> set[TopicPartition]:
        return {_PARTITION}

    def highwater(self, partition: TopicPartition) -> int:
        return 10

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        if self.is_rebalancing:
            raise CommitFailedError
        self.committed |= offsets


class Turns:
    """Handles nothing; says what it was given, and how much at once."""

    def __init__(self) -> None:
        self.taken: list[list[int]] = []
        self.buried: list[int] = []
        self.under_way = 0
        self.most_under_way = 0
        self.stops_at: int | None = None

    async def reload(self, topics: Sequence[str]) -> None: ...

    async def sweep(self, partitions: object) -> None: ...

    async def mark(self, runs: object) -> None: ...

    async def bury(self, record: Any, event: object, failed: Failed) -> None:
        self.buried.append(record.offset)

    async def take(self, items: Sequence[Received]) -> list[Received]:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        self.taken.append([item.event.offset for item in items])
        if self.stops_at is not None and items[0].event.offset == self.stops_at:
            raise Stopped
        return []


def _session(turns: Turns, consumer: Consumer, **changes: Any) -> _Session:
    settings = ConsumerSettings(group="g", topics=("t",), dlq_topic="d", **changes)
    session = _Session(turns, settings, InboxMetrics(CollectorRegistry()))  # type: ignore[arg-type]
    session.consumer = consumer
    return session


async def test_aggregates_are_handled_at_the_same_time_within_a_bound_each_in_order() -> None:
    turns = Turns()
    consumer = Consumer([_record(offset, f"k{offset % 20}") for offset in range(100)])
    session = _session(turns, consumer, concurrency=7)
    await session.poll()
    await session.close()
    assert turns.most_under_way == 7
    assert sorted(map(tuple, turns.taken)) == [tuple(range(key, 100, 20)) for key in range(20)]
    assert consumer.committed == {_PARTITION: 100}


async def test_nothing_of_a_poll_that_was_broken_off_is_committed() -> None:
    turns = Turns()
    turns.stops_at = 3
    consumer = Consumer([_record(0, "a")], [_record(1, "a"), _record(2, "b"), _record(3, "c")])
    session = _session(turns, consumer)
    await session.poll()
    with pytest.raises(Stopped):
        await session.poll()
    await session.close()
    assert consumer.committed == {_PARTITION: 1}


async def test_what_could_not_be_committed_is_committed_with_the_next_poll() -> None:
    turns = Turns()
    consumer = Consumer([_record(0, "a")], [_record(1, "a")])
    session = _session(turns, consumer, commit_s=0.0)
    consumer.is_rebalancing = True
    await session.poll()
    assert session._committing is not None
    await session._committing
    assert consumer.committed == {}
    consumer.is_rebalancing = False
    await session.poll()
    assert session._committing is not None
    await session._committing
    assert consumer.committed == {_PARTITION: 2}


async def test_partitions_that_were_taken_away_are_committed_first_and_then_forgotten() -> None:
    turns = Turns()
    consumer = Consumer([_record(0, "a")])
    session = _session(turns, consumer, commit_s=1_000.0)
    session._next_commit_s = 1e12
    await session.poll()
    assert consumer.committed == {}
    await session.on_partitions_revoked({_PARTITION})
    assert consumer.committed == {_PARTITION: 1}
    consumer.committed.clear()
    await session.close()
    assert consumer.committed == {}


async def test_a_record_that_is_no_event_is_buried_and_the_rest_goes_on() -> None:
    turns = Turns()
    bad = _record(0, "")
    consumer = Consumer([bad, _record(1, "a")])
    session = _session(turns, consumer)
    await session.poll()
    await session.close()
    assert turns.buried == [0]
    assert turns.taken == [[1]]
    assert consumer.committed == {_PARTITION: 2}
