"""The tables of what cannot be handled yet: parked events and dead letters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.shared.database.pool import Database
from services.shared.database.sql_blocks import load_blocks
from services.shared.eventstore.postgres_store import shard_of
from services.shared.kafka.cloud_events import ConsumedEvent, Headers, ReceivedRecord, decode
from services.shared.kernel.ids import derive_id
from services.shared.outbox.publisher import decode_headers, encode_headers

SQL = load_blocks("services.shared.inbox.sql", "inbox.sql")

#: Topic and id of an aggregate of another service.
AggregateKey = tuple[str, str]

_ERROR_LENGTH_MAX = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """A record and what it says."""

    record: ReceivedRecord
    event: ConsumedEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredRecord:
    """A record of Kafka, as it was parked."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """Versions of one aggregate that follow each other without a gap."""

    first: int
    last: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """What is parked of one aggregate in front of its first dead letter."""

    #: in version order
    events: tuple[Received, ...]
    #: the last version that was handled; 0 when none was
    handled_version: int


class Parking:
    """What the consumer writes and reads. Raises DependencyDown wherever the database is away."""

    def __init__(self, database: Database, *, dlq_topic: str) -> None:
        self._database = database
        self._dlq_topic = dlq_topic

    async def mark_ignored(self, spans: Mapping[AggregateKey, Span]) -> frozenset[AggregateKey]:
        """Moves the inbox past these events; returns the aggregates of which an earlier event is missing."""
        if not spans:
            return frozenset()
        rows = await self._database.fetch(
            SQL["mark_ignored"],
            [topic for topic, _ in spans],
            [aggregate_id for _, aggregate_id in spans],
            [span.first for span in spans.values()],
            [span.last for span in spans.values()],
        )
        return frozenset(spans) - {(row["source"], row["aggregate_id"]) for row in rows}

    async def park(self, received: Received) -> None:
        """Keeps an event for later. Parking it again changes nothing."""
        record, event = received.record, received.event
        await self._database.execute(
            SQL["park_event"],
            event.topic,
            event.key,
            event.version,
            event.partition,
            event.offset,
            record.key,
            record.value,
            encode_headers(record.headers),
        )

    async def remove(self, aggregate: AggregateKey, versions: Sequence[int]) -> None:
        """Forgets parked events that were handled."""
        await self._database.execute(SQL["remove_parked"], *aggregate, versions)

    async def parked_aggregates(self, topics: Sequence[str]) -> frozenset[AggregateKey]:
        """Aggregates whose further events have to wait."""
        rows = await self._database.fetch(SQL["parked_aggregates"], topics)
        return frozenset((row["source"], row["aggregate_id"]) for row in rows)

    async def is_parked(self, aggregate: AggregateKey) -> bool:
        """Whether further events of the aggregate have to wait."""
        return bool(await self._database.fetch_value(SQL["is_parked"], *aggregate))

    async def waiting(self, aggregate: AggregateKey, *, limit: int) -> Waiting:
        """What is parked of an aggregate, up to its first dead letter."""
        rows = await self._database.fetch(SQL["parked_events"], *aggregate, limit)
        return Waiting(
            events=tuple(_received(row) for row in rows), handled_version=rows[0]["known"] if rows else 0
        )

    async def ready(self, partitions: Sequence[tuple[str, int]], *, limit: int) -> tuple[AggregateKey, ...]:
        """Aggregates of these partitions of which a parked event can be handled now."""
        rows = await self._database.fetch(
            SQL["ready_aggregates"],
            [topic for topic, _ in partitions],
            [partition for _, partition in partitions],
            limit,
        )
        return tuple((row["source"], row["aggregate_id"]) for row in rows)

    async def bury(
        self, record: ReceivedRecord, event: ConsumedEvent | None, *, error: str, attempts: int
    ) -> bool:
        """Makes a record a dead letter, in the table and on its topic; False when it is one already."""
        origin = f"{record.topic}/{record.partition}/{record.offset}"
        key = event.key if event is not None else origin
        error = error[:_ERROR_LENGTH_MAX]
        headers = [
            *record.headers,
            ("dlq_origin_topic", record.topic.encode()),
            ("dlq_origin_partition", str(record.partition).encode()),
            ("dlq_origin_offset", str(record.offset).encode()),
            ("dlq_error", error.encode()),
            ("dlq_attempts", str(attempts).encode()),
        ]
        letter_id = await self._database.fetch_value(
            SQL["write_dead_letter"],
            record.topic,
            record.partition,
            record.offset,
            None if event is None else event.key,
            None if event is None else event.version,
            record.key,
            record.value,
            encode_headers(record.headers),
            error,
            attempts,
            shard_of(key),
            self._dlq_topic,
            key,
            derive_id("dead-letter", origin),
            encode_headers(headers),
        )
        return letter_id is not None


def _received(row: Any) -> Received:
    record = StoredRecord(
        topic=row["topic"],
        partition=row["partition"],
        offset=row["offset"],
        key=row["key"],
        value=row["value"],
        headers=decode_headers(row["headers"]),
    )
    return Received(record=record, event=decode(record))
