"""What a tail has read and who reads it: rings, positions and subscribers. Nothing here waits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from services.shared.feed.metrics import FeedMetrics
from services.shared.feed.repeats import Repeats
from services.shared.feed.ring import Ring
from services.shared.feed.subscriber import Subscriber, Wanted
from services.shared.kafka.cloud_events import ConsumedEvent, ReceivedRecord, Undecodable, decode
from services.shared.kernel.refusals import DependencyDown, Refused

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class HubBounds:
    """What is kept, and what a reader may be behind before it is dropped."""

    #: recent records of each partition; as many are read again when a tail starts
    ring_records_max: int = 1_000
    ring_bytes_max: int = 4 * 1024 * 1024
    #: of one subscriber
    queue_records_max: int = 1_000
    queue_bytes_max: int = 16 * 1024 * 1024


class Hub:
    """Hands the events of one topic on to subscribers, and keeps the last of them."""

    def __init__(self, topic: str, bounds: HubBounds, metrics: FeedMetrics) -> None:
        self._topic = topic
        self._bounds = bounds
        self._metrics = metrics
        self._repeats = Repeats()
        self._rings: dict[int, Ring] = {}
        self._subscribers: set[Subscriber] = set()
        #: next offset by partition: everything below has been offered to the subscribers
        self.positions: dict[int, int] = {}
        #: counts the times that reading began without a connection to what was read before
        self.epoch = 0

    def begin(self, positions: Mapping[int, int]) -> None:
        """Starts reading at `positions`."""
        self.positions = dict(positions)
        self._repeats = Repeats()
        self._rings = {
            partition: Ring(
                start=offset,
                records_max=self._bounds.ring_records_max,
                bytes_max=self._bounds.ring_bytes_max,
            )
            for partition, offset in positions.items()
        }

    def hand_on(self, partition: int, records: Sequence[ReceivedRecord]) -> None:
        """Offers records, which must follow on what was read before, to every subscriber."""
        ring = self._rings[partition]
        for record in records:
            event = self.read(record)
            if event is not None and self._repeats.is_new(event):
                ring.append(event)
                for subscriber in tuple(self._subscribers):
                    self._offer(subscriber, event)
            self.positions[partition] = record.offset + 1

    def read(self, record: ReceivedRecord) -> ConsumedEvent | None:
        """The event in a record; None, loudly, when it is none."""
        try:
            return decode(record)
        except Undecodable as error:
            self._metrics.unreadable.labels(self._topic).inc()
            _log.error(
                "feed_record_unreadable",
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                error=str(error),
            )
            return None

    def behind(self, at: Mapping[int, int], epoch: int) -> dict[int, int]:
        """Those positions that the rings do not reach. Raises DependencyDown after a loss of continuity."""
        if epoch != self.epoch:
            raise _broken()
        return {p: offset for p, offset in at.items() if offset < self._rings[p].start}

    def keys_since(self, at: Mapping[int, int]) -> frozenset[str]:
        """Keys of what the rings have from these positions on."""
        return frozenset(
            event.key
            for partition, ring in self._rings.items()
            for event in ring.since(max(at.get(partition, 0), ring.start))
        )

    def join(self, at: Mapping[int, int], wanted: Wanted) -> tuple[Subscriber, list[ConsumedEvent]]:
        """A subscriber for all that is read from now on, and what the rings have between `at` and now.

        `behind(at)` must be empty.
        """
        starts = dict(at)
        subscriber = Subscriber(
            wanted=lambda event: event.offset >= starts[event.partition] and wanted(event),
            records_max=self._bounds.queue_records_max,
            bytes_max=self._bounds.queue_bytes_max,
        )
        backlog = [
            event for p, offset in at.items() for event in self._rings[p].since(offset) if wanted(event)
        ]
        self._subscribers.add(subscriber)
        return subscriber, backlog

    def leave(self, subscriber: Subscriber) -> None:
        self._subscribers.discard(subscriber)

    def drop_all(self, why: Refused) -> None:
        """Ends every stream."""
        for subscriber in self._subscribers:
            subscriber.drop(why)
        self._subscribers.clear()

    def lose_continuity(self, why: str) -> None:
        """Kafka lost records or the topic was made anew: no stream can go on, each begins anew."""
        _log.error("feed_lost_continuity", topic=self._topic, error=why)
        self.epoch += 1
        self.positions, self._rings = {}, {}
        self.drop_all(_broken())

    def _offer(self, subscriber: Subscriber, event: ConsumedEvent) -> None:
        try:
            subscriber.offer(event)
        except Exception:
            _log.exception("feed_filter_failed", topic=self._topic)
            subscriber.drop(DependencyDown("feed", "the stream's filter failed"))
        if subscriber.is_dropped:
            self._subscribers.discard(subscriber)
            self._metrics.dropped.labels(self._topic).inc()
            _log.warning("feed_reader_dropped", topic=self._topic)


def _broken() -> DependencyDown:
    return DependencyDown("kafka", "the stream is broken; begin it anew without a resume token")
