"""Sends fetched messages to Kafka and says which of them were acknowledged."""

import asyncio
import base64
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from aiokafka.errors import KafkaError

from services.shared.clocks.day_clock import DAY_CLOCK
from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.cloud_events import event_headers
from services.shared.kafka.partitions import partition_of
from services.shared.kafka.producer import ProducerSettings, abandon_producer, start_producer
from services.shared.outbox.traced import RoundSpans
from services.shared.telemetry.tracer import Tracer

_log = structlog.get_logger(__name__)

#: How long a topic that is not there is not asked for again: asking takes seconds.
_ABSENT_S = 3.0

#: How long a topic is waited for when it is asked for; one round trip in a cluster that is well.
_TOPIC_TIMEOUT_S = 0.5

#: Messages packed before the process's other tasks have their turn: about two milliseconds.
_PACKED_AT_ONCE = 128


@dataclass(frozen=True, kw_only=True, slots=True)
class Published:
    """What became of one call."""

    #: sequence numbers acknowledged, by topic
    acknowledged: Mapping[str, Sequence[int]]
    #: the first failure to send; None when everything that was sent was acknowledged
    failure: Exception | None
    #: topics that are not there, whose messages were not sent
    absent_topics: frozenset[str] = frozenset()

    @property
    def sequences(self) -> list[int]:
        return [sequence for sequences in self.acknowledged.values() for sequence in sequences]


class Chain:
    """Batches for one partition, sent one after the other.

    One after the other, because a producer whose batch was refused may still get the next one accepted (Kafka
    takes any sequence number from a producer that it does not know yet), and that would be out of order.
    """

    __slots__ = ("_builders", "_sequences", "acknowledged", "partition", "topic")

    def __init__(self, topic: str, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        self.acknowledged: list[int] = []
        self._builders: list[Any] = []
        self._sequences: list[list[int]] = []

    def add(self, producer: Any, sequence: int, **record: Any) -> None:
        """`record` is what aiokafka's batch builder appends."""
        if self._builders and self._builders[-1].append(**record) is not None:
            self._sequences[-1].append(sequence)
            return
        builder = producer.create_batch()
        if builder.append(**record) is None:
            raise ValueError(f"message {sequence} of {self.topic} does not fit into a batch of its own")
        self._builders.append(builder)
        self._sequences.append([sequence])

    async def send(self, producer: Any) -> None:
        for builder, sequences in zip(self._builders, self._sequences, strict=True):
            builder.close()
            delivery = await producer.send_batch(builder, self.topic, partition=self.partition)
            await delivery
            self.acknowledged.extend(sequences)


class Publisher:
    """One producer, made when it is needed and made anew after every failure. For one task at a time."""

    def __init__(
        self,
        kafka: KafkaAddress,
        settings: ProducerSettings,
        *,
        source: str,
        ack_timeout_s: float,
        tracer: Tracer | None = None,
    ) -> None:
        """Without a `tracer`, records carry the trace context of their rows, and nothing is recorded."""
        self._kafka = kafka
        self._tracer = tracer
        self._settings = settings
        self._source = source.encode()
        self._ack_timeout_s = ack_timeout_s
        self._producer: Any = None
        self._absent_until_s: dict[str, float] = {}

    async def publish(self, rows: Sequence[Any]) -> Published:
        """Sends rows of `fetch_messages`.

        A partition's messages are acknowledged from the first on without a gap. Raises DependencyDown when
        Kafka is away altogether.
        """
        if self._producer is None:
            self._producer = await start_producer(self._kafka, self._settings, timeout_s=self._ack_timeout_s)
        spans = None if self._tracer is None else RoundSpans(self._tracer)
        chains, absent = await self._pack(rows, spans)
        failure: Exception | None = None
        tasks = [asyncio.create_task(chain.send(self._producer)) for chain in chains]
        try:
            if tasks:
                await asyncio.wait(tasks, timeout=self._ack_timeout_s)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        errors = [result for result in results if isinstance(result, BaseException)]
        if errors:
            # OutOfOrderSequence, ProducerFenced, a batch refused, no answer in time: whatever it was, the
            # messages are fetched again, and this producer's sequence numbers may have a hole now.
            first = errors[0]
            failure = first if isinstance(first, Exception) else TimeoutError("no acknowledgement in time")
            await self.close()
        acknowledged: dict[str, list[int]] = {}
        for chain in chains:
            acknowledged.setdefault(chain.topic, []).extend(chain.acknowledged)
        published = Published(acknowledged=acknowledged, failure=failure, absent_topics=absent)
        if spans is not None:
            error = "" if failure is None else type(failure).__name__
            spans.end(acknowledged=published.sequences, messages=len(rows), error=error)
        return published

    async def close(self) -> None:
        """Drops the producer and what it still holds."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await abandon_producer(producer)

    async def _pack(
        self, rows: Sequence[Any], spans: RoundSpans | None
    ) -> tuple[list[Chain], frozenset[str]]:
        chains: dict[tuple[str, int], Chain] = {}
        partitions: dict[str, int] = {}
        now_ms = int(DAY_CLOCK.seconds() * 1000)
        for position, row in enumerate(rows):
            if position % _PACKED_AT_ONCE == _PACKED_AT_ONCE - 1:
                await asyncio.sleep(0)
            topic = row["topic"]
            count = partitions.get(topic)
            if count is None:
                count = partitions[topic] = await self._partitions(topic)
            if count == 0:
                # One topic that is not there must not hold up the others.
                continue
            key = row["key"].encode()
            target = (topic, partition_of(key, count))
            chain = chains.get(target)
            if chain is None:
                chain = chains[target] = Chain(*target)
            chain.add(
                self._producer,
                row["seq"],
                timestamp=now_ms,
                key=key,
                value=row["value"],
                headers=self._headers(row, key, target[1], spans),
            )
        absent = frozenset(topic for topic, count in partitions.items() if count == 0)
        return list(chains.values()), absent

    def _headers(
        self, row: Any, key: bytes, partition: int, spans: RoundSpans | None
    ) -> list[tuple[str, bytes]]:
        if row["headers"] is not None:
            return decode_headers(row["headers"])
        return event_headers(
            source=self._source,
            event_id=row["event_id"],
            type_=row["type"],
            subject=key,
            recorded_at=row["recorded_at"],
            version=row["version"],
            traceparent=row["traceparent"] if spans is None else spans.traceparent(row, partition),
        )

    async def _partitions(self, topic: str) -> int:
        """Number of partitions; 0 when there is no such topic."""
        if time.monotonic() < self._absent_until_s.get(topic, 0.0):
            return 0
        try:
            return len(await asyncio.wait_for(self._producer.partitions_for(topic), _TOPIC_TIMEOUT_S))
        except (KafkaError, OSError) as error:
            self._absent_until_s[topic] = time.monotonic() + _ABSENT_S
            _log.error("relay_topic_absent", topic=topic, error=repr(error))
            return 0


def encode_headers(headers: Sequence[tuple[str, bytes]]) -> str:
    """Headers as the outbox column has them."""
    pairs = [(name, base64.b64encode(value or b"").decode()) for name, value in headers]
    return orjson.dumps(pairs).decode()


def decode_headers(column: str) -> list[tuple[str, bytes]]:
    """Headers as Kafka wants them."""
    return [(name, base64.b64decode(value)) for name, value in orjson.loads(column)]
