"""A relay hears of an append at once: in its process without the database, across processes by NOTIFY."""

import asyncio
import time

from services.shared.eventstore.runner import CommandRunner
from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.topics import TopicSpec, ensure_topics
from services.shared.outbox.relay import RelaySettings
from services.shared.outbox.signals import CoalescedNotifier, OutboxListener
from tests.integration.messaging import (
    event_store_database,
    move,
    opened,
    opened_store,
    parcels,
    running_relay,
    until,
)
from tests.stack import CreateDatabase, SharedStack

#: It would look by itself only after the test is over.
_DEAF = RelaySettings(source="/tierlink/test", poll_s=100.0)


async def test_an_append_in_another_process_is_published_without_waiting_for_the_poll(
    stack: SharedStack, database: CreateDatabase, topic_prefix: str
) -> None:
    dsn, topic = await event_store_database(stack, database), f"{topic_prefix}parcels.v1"
    await ensure_topics(KafkaAddress(bootstrap=stack.kafka_bootstrap), [TopicSpec(name=topic)])
    async with opened(dsn) as pool, running_relay(dsn, stack.kafka_bootstrap, _DEAF) as running:
        listener = OutboxListener(pool, running.relay)
        listening = asyncio.create_task(listener.run())
        await until(lambda: len(running.relay.held) == 8)
        notifier = CoalescedNotifier(pool)
        async with opened_store(dsn, notifier.appended) as store:

            async def heard() -> bool:
                listeners = await pool.fetch_value(
                    "SELECT count(*) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
                )
                return bool(listeners == 1)

            await until(heard)
            published = running.metrics.published.labels(topic)
            began_s = time.monotonic()
            for number in range(20):
                await move(CommandRunner(store), parcels(topic), f"parcels/{number}", "there")
            await until(lambda: published._value.get() == 20)
            assert time.monotonic() - began_s < 20.0

            # The listener's connection is cut: it comes back, and looks at what was said meanwhile.
            await pool.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
            )
            await move(CommandRunner(store), parcels(topic), "parcels/0", "further")
            await until(lambda: published._value.get() == 21)
        await notifier.stop()
        await listener.stop()
        await listening


async def test_an_append_beside_the_relay_needs_no_notify(
    stack: SharedStack, database: CreateDatabase, topic_prefix: str
) -> None:
    dsn, topic = await event_store_database(stack, database), f"{topic_prefix}parcels.v1"
    await ensure_topics(KafkaAddress(bootstrap=stack.kafka_bootstrap), [TopicSpec(name=topic)])
    async with opened(dsn) as pool, running_relay(dsn, stack.kafka_bootstrap, _DEAF) as running:
        await until(lambda: len(running.relay.held) == 8)
        notifier = CoalescedNotifier(pool, wake=running.relay.wake)
        async with opened_store(dsn, notifier.appended) as store:
            await move(CommandRunner(store), parcels(topic), "parcels/1", "there")
            assert notifier._flight is None
            await until(lambda: running.metrics.published.labels(topic)._value.get() == 1)
