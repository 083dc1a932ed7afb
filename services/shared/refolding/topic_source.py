"""Reads the topics of a service from given places to where they end: without a group, a page at a time."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.cloud_events import Undecodable, read_attributes
from services.shared.kafka.consumer import FetchBounds, pin_partitions, start_consumer, stop_consumer
from services.shared.kernel.refusals import DependencyDown
from services.shared.refolding.subject import SourceEvent

_POLL_MS = 200
_RECORDS_MAX = 1_000
_START_TIMEOUT_S = 20.0

#: The next offset to read, by topic and partition.
Places = Mapping[tuple[str, int], int]


class RecordsGone(Exception):
    """Kafka has deleted what is still to be read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TopicPage:
    """Some records, in the order of each partition."""

    events: Sequence[SourceEvent]
    #: where those partitions that it has records of are then
    places: Places
    #: `topic/partition@offset: why`
    unreadable: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """Which partitions of each topic one of several programs reads: every `of`th, from `number` on."""

    number: int = 0
    of: int = 1


class TopicSource:
    """The records of some topics."""

    def __init__(self, consumer: AIOKafkaConsumer, share: Share) -> None:
        self._consumer = consumer
        pinned = pin_partitions(consumer)
        #: those that are there
        self.topics = frozenset(each.topic for each in pinned)
        self._partitions = tuple(each for each in pinned if each.partition % share.of == share.number)
        consumer.assign(list(self._partitions))

    async def left(self, places: Places) -> int:
        """How many records follow these places now. Raises KafkaError."""
        starts, ends = await self._bounds(places)
        return sum(max(0, end - starts[each]) for each, end in ends.items())

    async def pages(self, places: Places) -> AsyncIterator[TopicPage]:
        """From these places to where the topics end at the call. Raises KafkaError, RecordsGone."""
        starts, ends = await self._bounds(places)
        for each, start in starts.items():
            self._consumer.seek(each, start)
        waiting = {each for each, end in ends.items() if starts[each] < end}
        self._consumer.resume(*waiting)
        self._consumer.pause(*(each for each in self._partitions if each not in waiting))
        while waiting:
            batches = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=_RECORDS_MAX)
            if batches:
                positions = {each: await self._consumer.position(each) for each in batches}
                yield _page(batches, positions)
            for each in tuple(waiting):
                if await self._consumer.position(each) >= ends[each]:
                    waiting.discard(each)
                    self._consumer.pause(each)

    async def _bounds(self, places: Places) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int]]:
        firsts = await self._consumer.beginning_offsets(list(self._partitions))
        ends = await self._consumer.end_offsets(list(self._partitions))
        starts = {}
        for each in self._partitions:
            known = places.get((each.topic, each.partition))
            if firsts[each] > (known or 0):
                # What is gone is missing from whatever is folded of the rest.
                raise RecordsGone(f"{each.topic}/{each.partition}: @{known or 0} < @{firsts[each]}")
            starts[each] = known or 0
        return starts, ends


def _page(
    batches: Mapping[TopicPartition, Sequence[object]], positions: Mapping[TopicPartition, int]
) -> TopicPage:
    events: list[SourceEvent] = []
    unreadable: list[str] = []
    for records in batches.values():
        for record in records:
            try:
                events.append(_event(record))
            except Undecodable as error:
                unreadable.append(f"{record.topic}/{record.partition}@{record.offset}: {error}")  # type: ignore[attr-defined]
    return TopicPage(
        events=events,
        places={(each.topic, each.partition): position for each, position in positions.items()},
        unreadable=tuple(unreadable),
    )


def _event(record: object) -> SourceEvent:
    found = read_attributes(record)  # type: ignore[arg-type]
    return SourceEvent(
        stream_id=found.key,
        version=found.version,
        event_id=found.event_id,
        type=found.type,
        recorded_at=found.recorded_at,
        payload=record.value,  # type: ignore[attr-defined]
    )


_BOUNDS = FetchBounds()
_WHOLE = Share()


@asynccontextmanager
async def open_topics(
    kafka: KafkaAddress,
    topics: Sequence[str],
    *,
    bounds: FetchBounds = _BOUNDS,
    share: Share = _WHOLE,
) -> AsyncIterator[TopicSource]:
    """The topics for the time of the block. Raises DependencyDown when Kafka or one of them is not there."""
    consumer = await start_consumer(
        kafka,
        client_id="tierlink-refolding",
        bounds=bounds,
        timeout_s=_START_TIMEOUT_S,
        subscribe=topics,
        group_id=None,
        auto_offset_reset="none",
    )
    try:
        source = TopicSource(consumer, share)
        missing = sorted(frozenset(topics) - source.topics)
        if missing:
            raise DependencyDown("kafka", f"no topic {', '.join(missing)}")
        yield source
    finally:
        await stop_consumer(consumer)
