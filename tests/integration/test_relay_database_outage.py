"""PostgreSQL goes away and comes back: relay, consumer and deadlines go on by themselves and skip nothing."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from prometheus_client import CollectorRegistry

from services.shared.database.pool import Database
from services.shared.deadlines.metrics import DeadlineMetrics
from services.shared.deadlines.worker import DeadlineSettings, DeadlineWorker, DueDeadline
from services.shared.eventstore.runner import CommandRunner
from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.topics import TopicSpec, ensure_topics
from services.shared.outbox.relay import Relay, RelaySettings
from services.shared.outbox.signals import OutboxListener
from tests.faults.line import open_database_line
from tests.integration.inbox_kit import consuming, service
from tests.integration.messaging import (
    first_occurrences,
    move,
    opened,
    opened_store,
    parcels,
    read_events,
    running_relay,
    until,
)
from tests.stack import CreateDatabase, SharedStack

_SETTINGS = RelaySettings(source="/tierlink/test", lease_s=1.0, poll_s=0.1, backoff_max_s=0.3)


async def test_everything_recovers_without_a_restart(
    stack: SharedStack, database: CreateDatabase, topic_prefix: str
) -> None:
    async with (
        service(stack, database, topic_prefix) as it,
        open_database_line(it.database.dsn) as (line, dsn),
        opened(dsn) as pool,
        opened_store(dsn) as store,
        running_relay(dsn, stack.kafka_bootstrap, _SETTINGS) as relay,
        _deadlines(pool) as fired,
        _listening(pool, relay.relay),
        consuming(replace(it, database=pool, store=store).consumer()),
    ):
        address = KafkaAddress(bootstrap=stack.kafka_bootstrap)
        await ensure_topics(address, [TopicSpec(name=it.topic + ".own", partitions=2)])
        await it.publish("a", [1, 2])
        await until(lambda: it.count("applied") == 2)
        line.cut()
        await it.publish("a", [3, 4])
        # Beside the cut the database lives: what is written there must be found afterwards.
        runner = CommandRunner(it.store)
        for number in range(10):
            await move(runner, parcels(it.topic + ".own"), "parcels/1", f"{number}")
        await it.database.execute(
            "INSERT INTO deadlines (stream_id, key, kind, due_at, set_version)"
            " VALUES ('d', 'k', 'parcel', now(), 1)"
        )
        await until(lambda: relay.metrics.failures.labels("postgresql")._value.get() >= 2)
        assert it.count("applied") == 2
        assert await _busy_share(1.0) < 0.5, "nothing spins while PostgreSQL is away"
        line.mend()
        await until(lambda: it.count("applied") == 4 and len(fired) == 1)
        seen = await read_events(stack.kafka_bootstrap, it.topic + ".own", distinct=10)
        assert first_occurrences(seen) == {"parcels/1": list(range(1, 11))}
        assert await it.effects("a") == ["1", "2", "3", "4"]


@asynccontextmanager
async def _deadlines(pool: Database) -> AsyncIterator[list[DueDeadline]]:
    fired: list[DueDeadline] = []

    async def fire(due: DueDeadline) -> None:
        fired.append(due)

    worker = DeadlineWorker(pool, fire, DeadlineMetrics(CollectorRegistry()), DeadlineSettings(poll_s=0.1))
    task = asyncio.create_task(worker.run())
    try:
        yield fired
    finally:
        await worker.stop()
        await task


@asynccontextmanager
async def _listening(pool: Database, relay: Relay) -> AsyncIterator[None]:
    listener = OutboxListener(pool, relay)
    task = asyncio.create_task(listener.run())
    try:
        yield
    finally:
        await listener.stop()
        await task


async def _busy_share(span_s: float) -> float:
    """The share of one processor that this process uses."""
    began_s, used_s = time.monotonic(), time.process_time()
    await asyncio.sleep(span_s)
    return (time.process_time() - used_s) / (time.monotonic() - began_s)
