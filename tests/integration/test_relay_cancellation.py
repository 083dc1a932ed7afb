"""Every loop ends cleanly when it is cancelled, and when it is stopped before it has begun."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from prometheus_client import CollectorRegistry

from services.shared.database.pool import Database
from services.shared.deadlines.metrics import DeadlineMetrics
from services.shared.deadlines.worker import DeadlineSettings, DeadlineWorker, DueDeadline
from services.shared.eventstore.units import AppendStatus
from services.shared.feed.metrics import FeedMetrics
from services.shared.feed.tail import TopicTail
from services.shared.inbox.consumer import ConsumerSettings, EventConsumer
from services.shared.inbox.metrics import InboxMetrics
from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.cloud_events import ConsumedEvent
from services.shared.kafka.topics import TopicSpec, ensure_topics
from services.shared.outbox.metrics import RelayMetrics
from services.shared.outbox.relay import Relay, RelaySettings
from services.shared.outbox.signals import OutboxListener
from services.shared.outbox.table import RELAY_SESSION
from tests.integration.messaging import event_store_database, opened, until
from tests.stack import CreateDatabase, SharedStack


class Loop(Protocol):
    async def run(self) -> None: ...
    async def stop(self) -> None: ...


async def _fire(due: DueDeadline) -> None: ...


async def _handle(event: ConsumedEvent) -> AppendStatus:
    return AppendStatus.APPENDED


def _loops(database: Database, kafka: KafkaAddress, topic: str) -> list[Callable[[], Loop]]:
    registry = CollectorRegistry
    relay = Relay(database, kafka, RelaySettings(source="/t"), RelayMetrics(registry()))
    settings = ConsumerSettings(group=topic, topics=(topic,), dlq_topic=topic)
    return [
        lambda: Relay(database, kafka, RelaySettings(source="/t"), RelayMetrics(registry())),
        lambda: OutboxListener(database, relay),
        lambda: EventConsumer(database, kafka, _handle, settings, InboxMetrics(registry())),
        lambda: DeadlineWorker(database, _fire, DeadlineMetrics(registry()), DeadlineSettings()),
        lambda: TopicTail(kafka, topic, FeedMetrics(registry())),
    ]


async def test_loops_leave_nothing_behind(
    stack: SharedStack, database: CreateDatabase, topic_prefix: str
) -> None:
    kafka, topic = KafkaAddress(bootstrap=stack.kafka_bootstrap), f"{topic_prefix}t"
    await ensure_topics(kafka, [TopicSpec(name=topic, partitions=1)])
    async with opened(await event_store_database(stack, database), session=RELAY_SESSION) as pool:
        await pool.fetch_value("SELECT 1")
        before = asyncio.all_tasks()
        for make in _loops(pool, kafka, topic):
            loop = make()
            await loop.stop()
            await asyncio.wait_for(loop.run(), 10.0)  # it was told to stop before

            task = asyncio.create_task(make().run())
            for _ in range(20):
                await asyncio.sleep(0.01)  # somewhere in the midst of connecting
            task.cancel()
            await asyncio.wait((task,), timeout=10.0)
            assert task.cancelled(), loop
        await until(lambda: not asyncio.all_tasks() - before, 10.0)
