"""What is folded anew: one service, its kinds of aggregates and its tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from services.shared.database.migrations import Migration
from services.shared.eventstore.aggregate import AggregateKind
from services.shared.eventstore.units import StoredEvent
from services.shared.kafka.address import KafkaAddress


@dataclass(frozen=True, kw_only=True, slots=True)
class TableSpec:
    """A table whose rows follow from the states of aggregates."""

    name: str
    #: columns of its primary key
    key: tuple[str, ...]
    #: what must be the same, byte for byte
    columns: tuple[str, ...]
    #: the column that names the aggregate
    owner: str


#: The tables of every store, beside `claims`, whose holders need not be aggregates. Left out is what no event
#: tells: `changed`, drawn when a row is written, and the lease and the failed tries of a deadline's worker.
STORE_TABLES = (
    TableSpec(
        name="streams",
        key=("stream_id",),
        columns=("kind", "version", "head_hash", "snapshot", "fold_version", "facets"),
        owner="stream_id",
    ),
    TableSpec(
        name="events",
        key=("stream_id", "version"),
        columns=("event_id", "type", "recorded_at", "previous_hash", "hash", "payload"),
        owner="stream_id",
    ),
    TableSpec(
        name="deadlines",
        key=("stream_id", "key"),
        columns=("kind", "due_at", "set_version"),
        owner="stream_id",
    ),
)


class SourceEvent(NamedTuple):
    """An event as a topic or a store has it: what everything else is made of."""

    stream_id: str
    version: int
    event_id: str
    type: str
    recorded_at: datetime
    payload: bytes


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One service as its composition root describes it."""

    #: referral, bed or notification
    service: str
    #: the live database, which is only read
    dsn: str
    kafka: KafkaAddress
    migrations: tuple[Migration, ...]
    #: every kind in the store, by its name
    kinds: Mapping[str, AggregateKind[Any, Any]]
    #: which kind an aggregate on a topic is, by the first part of its name
    collections: Mapping[str, AggregateKind[Any, Any]]
    #: the service's own read models beside `STORE_TABLES`
    tables: tuple[TableSpec, ...] = ()
    #: holders of claims that follow from other services' events, as copies do, and from no aggregate
    foreign_holders: frozenset[str] = frozenset()

    @property
    def topics(self) -> tuple[str, ...]:
        """Where its events are published."""
        found = (kind.topic for kind in self.collections.values() if kind.topic is not None)
        return tuple(dict.fromkeys(found))

    @property
    def unpublished(self) -> tuple[str, ...]:
        """Kinds whose events stay in the store."""
        return tuple(name for name, kind in self.kinds.items() if kind.topic is None)

    def kind_of(self, event: SourceEvent) -> AggregateKind[Any, Any] | None:
        """By the name of its aggregate; None for one of another service."""
        return self.collections.get(event.stream_id.partition("/")[0])

    @property
    def all_tables(self) -> tuple[TableSpec, ...]:
        return (*STORE_TABLES, *self.tables)


def source_event(stored: StoredEvent) -> SourceEvent:
    """What a store's event is made of."""
    return SourceEvent(
        stream_id=stored.stream_id,
        version=stored.version,
        event_id=stored.event_id,
        type=stored.type,
        recorded_at=stored.recorded_at,
        payload=stored.payload,
    )
