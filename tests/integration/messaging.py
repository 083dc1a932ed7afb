"""What the tests of relay, inbox, deadlines and feeds share: databases with the tables, writers, readers."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from aiokafka import AIOKafkaConsumer
from prometheus_client import CollectorRegistry

from services.shared.database.migrations import load_migrations, migrate
from services.shared.database.pool import Database
from services.shared.eventstore.aggregate import AggregateKind
from services.shared.eventstore.postgres_store import APPEND_SESSION, PostgresEventStore
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.units import AppendUnit
from services.shared.eventstore.work import Work
from services.shared.kafka.address import KafkaAddress
from services.shared.outbox.metrics import RelayMetrics
from services.shared.outbox.relay import Relay, RelaySettings
from services.shared.outbox.table import RELAY_SESSION
from tests.doubles.parcel import PARCEL, Moved, Parcel, context
from tests.stack import CreateDatabase, SharedStack

#: More than any wait should take on a busy machine.
BOUND_S = 40.0


async def until(condition: Callable[[], Awaitable[bool] | bool], bound_s: float = BOUND_S) -> None:
    """Waits until `condition` holds. Raises TimeoutError after `bound_s`.

    The longer it waits the more rarely it looks: each look takes from the processes that it waits for.
    """
    begun_s = time.monotonic()
    while True:
        held = condition()
        if not isinstance(held, bool):
            held = await held
        if held:
            return
        waited_s = time.monotonic() - begun_s
        if waited_s > bound_s:
            raise TimeoutError(f"{condition} did not hold within {bound_s} s")
        await asyncio.sleep(min(0.2, max(0.01, waited_s / 10)))


async def event_store_database(stack: SharedStack, database: CreateDatabase) -> str:
    """A database with the event store's tables; returns its DSN."""

    async def build(dsn: str) -> None:
        empty = Database(dsn, application_name="test-build")
        await migrate(empty, load_migrations("services.shared.eventstore.migrations"))
        await empty.close()

    return await database(await stack.ensure_template("event_store", build))


@asynccontextmanager
async def opened(dsn: str, **options: Any) -> AsyncIterator[Database]:
    """A connection pool that is closed after the block."""
    database = Database(dsn, application_name="test", **options)
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def opened_store(
    dsn: str, on_appended: Callable[[tuple[AppendUnit, ...]], None] = lambda units: None
) -> AsyncIterator[PostgresEventStore]:
    """An event store with its pools."""
    async with opened(dsn) as reading, opened(dsn, session=APPEND_SESSION) as appending:
        store = PostgresEventStore(reading, appending, on_appended=on_appended)
        try:
            yield store
        finally:
            await store.close()


def parcels(topic: str) -> AggregateKind[Parcel, Moved]:
    """The toy aggregate, published to `topic`."""
    return replace(PARCEL, topic=topic)


async def move(runner: CommandRunner, kind: AggregateKind[Parcel, Moved], stream_id: str, to: str) -> None:
    """One ordinary change of one aggregate."""

    async def change(work: Work) -> None:
        await work.load(kind, stream_id)
        await work.record(kind, stream_id, [Moved(to=to)])

    await runner.react(change, context(f"{stream_id}/{to}"), target=stream_id, inbox=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunningRelay:
    relay: Relay
    metrics: RelayMetrics
    task: asyncio.Task[None]


@asynccontextmanager
async def running_relay(
    dsn: str, kafka_bootstrap: str, settings: RelaySettings | None = None
) -> AsyncIterator[RunningRelay]:
    """A relay that runs during the block."""
    async with opened(dsn, session=RELAY_SESSION) as database:
        metrics = RelayMetrics(CollectorRegistry())
        relay = Relay(
            database,
            KafkaAddress(bootstrap=kafka_bootstrap),
            settings or RelaySettings(source="/tierlink/test"),
            metrics,
        )
        task = asyncio.create_task(relay.run())
        try:
            yield RunningRelay(relay=relay, metrics=metrics, task=task)
        finally:
            await relay.stop()
            await task


@asynccontextmanager
async def reader(kafka_bootstrap: str, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer of all of a topic, from its beginning."""
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=kafka_bootstrap, auto_offset_reset="earliest", fetch_max_wait_ms=20
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """One record, as far as order is concerned."""

    key: str
    version: int


async def read_events(kafka_bootstrap: str, topic: str, *, distinct: int) -> list[Seen]:
    """A topic's records, until `distinct` different ones were read."""
    seen: list[Seen] = []
    async with reader(kafka_bootstrap, topic) as consumer:

        async def complete() -> bool:
            for records in (await consumer.getmany(timeout_ms=100)).values():
                for record in records:
                    headers = dict(record.headers)
                    seen.append(Seen(key=record.key.decode(), version=int(headers["ce_sequence"])))
            return len(set(seen)) >= distinct

        await until(complete)
    return seen


def first_occurrences(seen: Sequence[Seen]) -> dict[str, list[int]]:
    """Versions of each key in the order in which they first came."""
    versions: dict[str, list[int]] = {}
    for one in dict.fromkeys(seen):
        versions.setdefault(one.key, []).append(one.version)
    return versions
