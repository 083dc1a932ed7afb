"""The end of a topic, read once for all streams of a process.

One consumer without a group reads all partitions from the end on and hands each event to every subscriber.
Who resumes gets what it missed from the ring of recent records, or, when that no longer reaches back so far,
from a consumer of its own until it does.

The number of a topic's partitions is fixed: the order of a key's events hangs on it.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from services.shared.feed.coming import keys_coming
from services.shared.feed.hub import Hub, HubBounds
from services.shared.feed.metrics import FeedMetrics
from services.shared.feed.read_back import read_back
from services.shared.feed.repeats import Repeats
from services.shared.feed.subscriber import FeedItem, Subscriber, Wanted
from services.shared.feed.token import (
    NOTHING_SHOWN,
    Positions,
    Shown,
    bad_token,
    decode_shown,
    decode_token,
    encode_token,
)
from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.backoff import Backoff
from services.shared.kafka.cloud_events import ConsumedEvent
from services.shared.kafka.consumer import FetchBounds, pin_partitions, start_consumer, stop_consumer
from services.shared.kernel.refusals import DependencyDown, Overloaded
from services.shared.loops.stopping import Stopping, comes_within

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class TailSettings:
    """Within which bounds a tail works; the defaults suit a service."""

    heartbeat_s: float = 5.0
    streams_max: int = 1_000
    #: streams that are read back for from Kafka at the same time
    catch_ups_max: int = 16
    #: how long a stream waits for the tail to be connected for the first time
    ready_timeout_s: float = 10.0
    start_timeout_s: float = 30.0
    stop_timeout_s: float = 5.0
    poll_ms: int = 200
    hub: HubBounds = field(default_factory=HubBounds)
    bounds: FetchBounds = field(default_factory=FetchBounds)
    catch_up_bounds: FetchBounds = field(default_factory=partial(FetchBounds, partition_bytes_max=256 * 1024))


def everything(event: ConsumedEvent) -> bool:
    """Wants every event."""
    return True


class TopicTail:
    """Streams of one topic's events."""

    def __init__(
        self, kafka: KafkaAddress, topic: str, metrics: FeedMetrics, settings: TailSettings | None = None
    ) -> None:
        self._kafka = kafka
        self._topic = topic
        self._metrics = metrics
        self._settings = settings or TailSettings()
        self._hub = Hub(topic, self._settings.hub, metrics)
        self._streams = 0
        self._catch_ups = 0
        self._consumer: Any = None
        self._ready = asyncio.Event()
        self._stopping = Stopping()

    def encode(self, positions: Positions, shown: Shown = NOTHING_SHOWN) -> str:
        """The resume token of `positions`, for a reader who was shown that of what follows them."""
        return encode_token(self._topic, positions, shown)

    def decode(self, token: str) -> dict[int, int]:
        """The positions of a resume token. Raises InvalidInput (field `resume_token`)."""
        return decode_token(self._topic, token)

    def decode_shown(self, token: str) -> dict[str, int]:
        """What a resume token's reader was shown. Raises InvalidInput (field `resume_token`)."""
        return decode_shown(self._topic, token)

    async def keys_coming(self, positions: Positions) -> frozenset[str]:
        """Keys of what Kafka has from `positions` on, now; while it is away, of what was read of it."""
        return await keys_coming(self._hub, positions, lambda: self._kafka_ends(list(positions)))

    async def end_positions(self) -> dict[int, int]:
        """Positions now: take them, read a snapshot from the database, then stream from them.

        What is in the snapshot and was not published when the positions were taken comes in the stream too:
        drop it by key and version. Raises DependencyDown while Kafka has not been reached yet.
        """
        if not await comes_within(self._ready, self._settings.ready_timeout_s):
            raise DependencyDown("kafka", f"{self._topic} is not being read yet")
        return dict(self._hub.positions)

    async def run(self) -> None:
        """Reads until stopped or cancelled; outlives outages of Kafka and loses or repeats no record."""
        backoff = Backoff(first_s=0.1, last_s=2.0)
        with self._stopping.running():
            try:
                await self._read(backoff)
            finally:
                self._hub.drop_all(DependencyDown("feed", "shutting down"))

    async def _read(self, backoff: Backoff) -> None:
        while not self._stopping.told.is_set():
            try:
                await self._session(backoff)
            except OffsetOutOfRangeError as error:
                self._lose_continuity(repr(error))
            except (DependencyDown, KafkaError, OSError) as error:
                _log.warning("feed_waits", topic=self._topic, error=repr(error))
            except Exception:
                _log.exception("feed_failed", topic=self._topic)
            await self._stopping.pause(backoff.next_s())

    async def stop(self) -> None:
        """Ends `run`; open streams end with DependencyDown, and can be resumed elsewhere."""
        await self._stopping.end(within_s=self._settings.stop_timeout_s)

    async def subscribe(
        self, positions: Positions | None = None, *, wanted: Wanted = everything
    ) -> AsyncGenerator[FeedItem, None]:
        """Events from `positions` on, or from now; heartbeats while there are none. Close it after use.

        The events of a key come in order, each once, also when they stand in Kafka twice. Raises Overloaded
        when read too slowly or when there are too many streams, InvalidInput for positions that this topic
        does not have, DependencyDown when Kafka cannot be reached for what was missed.
        """
        if self._streams >= self._settings.streams_max:
            raise Overloaded(f"{self._settings.streams_max} streams of {self._topic} are open already")
        self._streams += 1
        self._metrics.subscribers.labels(self._topic).set(self._streams)
        try:
            at = await self._check(positions)
            epoch, repeats = self._hub.epoch, Repeats()
            while self._hub.behind(at, epoch):
                async with contextlib.aclosing(self._missed(at, epoch, repeats, wanted)) as missed:
                    async for item in missed:
                        yield item
            # Nothing is awaited from the last look to the end of the join: the tail does not move meanwhile.
            subscriber, backlog = self._hub.join(at, wanted)
            try:
                for event in backlog:
                    at[event.partition] = event.offset + 1
                    if repeats.is_new(event):
                        yield self._item(event, at)
                async with contextlib.aclosing(self._live(subscriber, at)) as live:
                    async for item in live:
                        yield item
            finally:
                self._hub.leave(subscriber)
        finally:
            self._streams -= 1
            self._metrics.subscribers.labels(self._topic).set(self._streams)

    def _item(self, event: ConsumedEvent | None, at: dict[int, int]) -> FeedItem:
        return FeedItem(topic=self._topic, event=event, positions=dict(at))

    async def _check(self, positions: Positions | None) -> dict[int, int]:
        """Where a stream begins. A partition that the positions lack is read from its start."""
        ends = await self.end_positions()
        if positions is None:
            return ends
        if not positions.keys() <= ends.keys():
            raise bad_token("names partitions that the topic does not have")
        at = {partition: positions.get(partition, 0) for partition in ends}
        ahead = [partition for partition, offset in at.items() if offset > ends[partition]]
        if ahead:
            # Another process's tail may have been a little further; more than Kafka has, it was not.
            known = await self._kafka_ends(ahead)
            if any(at[partition] > known[partition] for partition in ahead):
                raise bad_token("is ahead of the topic: it belongs to another one of that name")
        return at

    async def _kafka_ends(self, partitions: list[int]) -> dict[int, int]:
        if self._consumer is None:
            raise DependencyDown("kafka", f"{self._topic} is not being read at the moment")
        try:
            ends = await self._consumer.end_offsets([TopicPartition(self._topic, p) for p in partitions])
        except (KafkaError, OSError) as error:
            raise DependencyDown("kafka", f"no end offsets: {error!r}") from error
        return {partition.partition: offset for partition, offset in ends.items()}

    async def _missed(
        self, at: dict[int, int], epoch: int, repeats: Repeats, wanted: Wanted
    ) -> AsyncGenerator[FeedItem, None]:
        """What the rings no longer hold, until they do; moves `at` along."""
        if self._catch_ups >= self._settings.catch_ups_max:
            raise Overloaded(f"{self._settings.catch_ups_max} streams are being read back already")
        self._catch_ups += 1
        self._metrics.catch_ups.labels(self._topic).inc()
        pages = read_back(
            self._kafka,
            self._topic,
            self._hub.behind(at, epoch),
            lambda: not self._hub.behind(at, epoch),
            lookback=self._settings.hub.ring_records_max,
            bounds=self._settings.catch_up_bounds,
            start_timeout_s=self._settings.start_timeout_s,
        )
        try:
            async with contextlib.aclosing(pages):
                async for page in pages:
                    for record in page.records:
                        event = self._hub.read(record)
                        is_new = event is not None and repeats.is_new(event)
                        if record.offset < at[page.partition]:
                            continue
                        at[page.partition] = record.offset + 1
                        if event is not None and is_new and wanted(event):
                            yield self._item(event, at)
                    at[page.partition] = max(at[page.partition], page.next_offset)
        finally:
            self._catch_ups -= 1

    async def _live(self, subscriber: Subscriber, at: dict[int, int]) -> AsyncGenerator[FeedItem, None]:
        """What is offered to a subscriber, and heartbeats; moves `at` along."""
        while True:
            event = subscriber.take()
            if event is not None:
                at[event.partition] = event.offset + 1
            else:
                await subscriber.wait(self._settings.heartbeat_s)
                if subscriber.is_dropped or not subscriber.is_empty:
                    continue
            if subscriber.is_empty:
                # All that was read so far has been offered, and what was wanted of it has been taken.
                at.update({p: max(at[p], offset) for p, offset in self._hub.positions.items()})
            yield self._item(event, at)

    async def _session(self, backoff: Backoff) -> None:
        """From connecting to losing the connection."""
        consumer = await start_consumer(
            self._kafka,
            client_id="tierlink-feed",
            bounds=self._settings.bounds,
            timeout_s=self._settings.start_timeout_s,
            subscribe=(self._topic,),
            group_id=None,
            auto_offset_reset="none",
        )
        try:
            partitions = pin_partitions(consumer)
            ends = await consumer.end_offsets(partitions)
            if any(ends[tp] < self._hub.positions.get(tp.partition, 0) for tp in partitions):
                self._lose_continuity("Kafka has fewer records than before")
            if not self._hub.positions:
                self._hub.begin(await self._recent(consumer, ends))
            for tp in partitions:
                consumer.seek(tp, self._hub.positions[tp.partition])
            self._consumer = consumer
            while not self._stopping.told.is_set():
                if not self._ready.is_set():
                    await self._check_ready(consumer, ends)
                batches = await consumer.getmany(timeout_ms=self._settings.poll_ms, max_records=1_000)
                backoff.reset()
                for tp, records in batches.items():
                    self._hub.hand_on(tp.partition, records)
        finally:
            self._consumer = None
            await stop_consumer(consumer)

    def _lose_continuity(self, why: str) -> None:
        self._ready.clear()
        self._hub.lose_continuity(why)

    async def _recent(self, consumer: Any, ends: Mapping[TopicPartition, int]) -> dict[int, int]:
        """Where to begin: a ring's length before the ends, to know repetitions by, and for who resumes."""
        firsts = await consumer.beginning_offsets(ends)
        return {
            tp.partition: max(firsts[tp], end - self._settings.hub.ring_records_max)
            for tp, end in ends.items()
        }

    async def _check_ready(self, consumer: Any, ends: Mapping[TopicPartition, int]) -> None:
        """Streams begin when what was there at the start has been read."""
        for tp, end in ends.items():
            if await consumer.position(tp) < end:
                return
        self._ready.set()
