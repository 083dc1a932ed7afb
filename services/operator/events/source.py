"""Reads topics between two bounds, and on from their ends: without a group, so that nobody's place moves."""

from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from heapq import heapify, heapreplace

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.operator.events.record import EventRecord, read_record
from services.operator.events.topics import Topic
from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.consumer import READ_UP, pin_partitions, start_consumer, stop_consumer
from services.shared.kernel.refusals import DependencyDown

_POLL_MS = 200
_RECORDS_MAX = 2_000
#: `merged` asks for more of a partition when it has fewer than this left, for a record waits for those of the
#: other partitions. Few, so that what waits is still in the processor's cache.
_MERGED_LOW = 100
#: A person waits.
_START_TIMEOUT_S = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """From where on, and how far; bounds of offsets hold for every partition that is read."""

    #: None for all
    partition: int | None = None
    offset_from: int | None = None
    #: exclusive
    offset_to: int | None = None
    #: only what may have been recorded since: read by Kafka's index of times
    since: datetime | None = None
    #: so many at the end of each partition; None for no such bound
    last: int | None = None


class RecordsGone(Exception):
    """Kafka has deleted what is to be read."""


class TopicSource:
    """The records of some topics."""

    def __init__(self, consumer: AIOKafkaConsumer, topics: Mapping[str, Topic]) -> None:
        self._consumer = consumer
        self._topics = topics
        self._partitions = pin_partitions(consumer)
        self._ends: dict[TopicPartition, int] = {}
        self._starts: dict[TopicPartition, int] = {}

    @property
    def topics(self) -> tuple[str, ...]:
        """The names of the topics that are there."""
        return tuple(self._topics)

    def partitions(self, topic: str) -> int:
        """How many partitions a topic has."""
        return sum(each.topic == topic for each in self._partitions)

    @property
    def bounds(self) -> Mapping[TopicPartition, range]:
        """The offsets in reach, by partition."""
        return {
            each: range(self._starts[each], max(self._starts[each], end)) for each, end in self._ends.items()
        }

    async def seek(self, reach: Reach) -> None:
        """Goes to the beginning of `reach`. What is written after this is read only by `follow`."""
        partitions = [
            each for each in self._partitions if reach.partition is None or each.partition == reach.partition
        ]
        self._consumer.assign(partitions)
        firsts = await self._consumer.beginning_offsets(partitions)
        ends = await self._consumer.end_offsets(partitions)
        self._starts = await self._first_offsets(reach, firsts, ends)
        for partition in partitions:
            self._consumer.seek(partition, self._starts[partition])
        to = reach.offset_to
        self._ends = {each: end if to is None else min(end, to) for each, end in ends.items()}

    async def seek_bounds(self, bounds: Mapping[TopicPartition, range]) -> None:
        """Goes to the beginning of these offsets. Raises RecordsGone when Kafka has deleted some of them."""
        self._consumer.assign(list(bounds))
        firsts = await self._consumer.beginning_offsets(list(bounds))
        gone = [each for each, offsets in bounds.items() if offsets and offsets.start < firsts[each]]
        if gone:
            first = gone[0]
            place = f"{first.topic}/{first.partition}"
            raise RecordsGone(f"{place}: @{bounds[first].start} < @{firsts[first]}")
        for each, offsets in bounds.items():
            self._consumer.seek(each, offsets.start)
        self._starts = {each: offsets.start for each, offsets in bounds.items()}
        self._ends = {each: offsets.stop for each, offsets in bounds.items()}

    async def _first_offsets(
        self, reach: Reach, firsts: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]
    ) -> dict[TopicPartition, int]:
        starts = dict(firsts)
        if reach.since is not None:
            at_ms = int((reach.since).timestamp() * 1000)
            # A record's time at Kafka is never before it was recorded, so nothing is passed over.
            found = await self._consumer.offsets_for_times(dict.fromkeys(firsts, at_ms))
            starts = {each: found[each].offset if found[each] else ends[each] for each in firsts}
        if reach.offset_from is not None:
            starts = {each: max(start, reach.offset_from) for each, start in starts.items()}
        if reach.last is not None:
            starts = {each: max(start, ends[each] - reach.last) for each, start in starts.items()}
        return starts

    async def read(self) -> AsyncIterator[Sequence[EventRecord]]:
        """Pages of what is in reach, in order of each partition, until all of it is read."""
        waiting = set()
        for partition, end in self._ends.items():
            if await self._consumer.position(partition) < end:
                waiting.add(partition)
            else:
                self._consumer.pause(partition)
        while waiting:
            batches = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=_RECORDS_MAX)
            for partition, records in batches.items():
                end = self._ends[partition]
                yield [self._read(record) for record in records if record.offset < end]
            for partition in tuple(waiting):
                if await self._consumer.position(partition) >= self._ends[partition]:
                    waiting.discard(partition)
                    self._consumer.pause(partition)
        self._consumer.resume(*self._ends)
        for partition, end in self._ends.items():
            self._consumer.seek(partition, end)

    async def merged(self) -> AsyncIterator[Sequence[EventRecord]]:
        """Pages of what is in reach, over all partitions by time, each partition in its own order."""
        waiting = {each for each, offsets in self.bounds.items() if offsets}
        heads: dict[TopicPartition, deque[EventRecord]] = {each: deque() for each in waiting}
        # One that is read to its end would be asked for news all the time, and the others wait behind that.
        self._consumer.pause(*(each for each in self.bounds if each not in waiting))
        while heads:
            for partition in tuple(waiting):
                if await self._consumer.position(partition) >= self._ends[partition]:
                    waiting.discard(partition)
                    self._consumer.pause(partition)
            heads = {each: queue for each, queue in heads.items() if queue or each in waiting}
            low = [each for each in waiting if len(heads[each]) < _MERGED_LOW]
            if low:
                # Kafka is asked for the next records of a partition while there are still some to work on.
                batches = await self._consumer.getmany(
                    *low,
                    timeout_ms=0 if all(heads.values()) else _POLL_MS,
                    max_records=_MERGED_LOW * len(low),
                )
                for partition, records in batches.items():
                    end = self._ends[partition]
                    heads[partition].extend(self._read(record) for record in records if record.offset < end)
            if heads and all(heads.values()):
                yield _by_time(heads)

    async def follow(self) -> AsyncIterator[Sequence[EventRecord]]:
        """Pages of what comes after, for ever; an empty one when nothing came for a moment."""
        while True:
            batches = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=_RECORDS_MAX)
            yield [self._read(record) for records in batches.values() for record in records]

    def _read(self, record: object) -> EventRecord:
        return read_record(self._topics[record.topic], record)  # type: ignore[attr-defined]


def _by_time(heads: Mapping[TopicPartition, deque[EventRecord]]) -> list[EventRecord]:
    """Takes the earliest record again and again, until a partition has none left."""
    if len(heads) == 1:
        (only,) = heads.values()
        page = list(only)
        only.clear()
        return page
    page = []
    heap = [(queue[0].time, number, queue) for number, queue in enumerate(heads.values())]
    heapify(heap)
    while True:
        _, number, queue = heap[0]
        page.append(queue.popleft())
        if not queue:
            return page
        heapreplace(heap, (queue[0].time, number, queue))


@asynccontextmanager
async def open_source(
    kafka: KafkaAddress, topics: Sequence[Topic], *, skip_missing: bool = False
) -> AsyncIterator[TopicSource]:
    """A source of these topics; with `skip_missing`, of those that there are.

    Raises DependencyDown when Kafka, a topic, or with `skip_missing` every topic is not there.
    """
    there = await _topic_names(kafka)
    present = {topic.name: topic for topic in topics if topic.name in there}
    if not present or (len(present) < len(topics) and not skip_missing):
        missing = [topic.name for topic in topics if topic.name not in present]
        raise DependencyDown("kafka", f"no topic {', '.join(missing)}")
    consumer = await _start(kafka, subscribe=tuple(present))
    try:
        yield TopicSource(consumer, present)
    finally:
        await stop_consumer(consumer)


async def _topic_names(kafka: KafkaAddress) -> frozenset[str]:
    consumer = await _start(kafka)
    try:
        return frozenset(await consumer.topics())
    finally:
        await stop_consumer(consumer)


async def _start(kafka: KafkaAddress, subscribe: tuple[str, ...] = ()) -> AIOKafkaConsumer:
    return await start_consumer(
        kafka,
        client_id="tierlink-events",
        # `merged` takes the partitions in step: all of them are read up at the same moment.
        bounds=READ_UP,
        timeout_s=_START_TIMEOUT_S,
        subscribe=subscribe,
        group_id=None,
        auto_offset_reset="earliest",
    )
