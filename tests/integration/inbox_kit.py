"""A consuming service in miniature: each event moves a parcel of its own database, in one transaction."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from aiokafka import AIOKafkaProducer
from prometheus_client import CollectorRegistry

from services.shared.database.pool import Database
from services.shared.eventstore.postgres_store import PostgresEventStore
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.units import InboxMark
from services.shared.eventstore.work import Work
from services.shared.inbox.consumer import ConsumerSettings, EventConsumer
from services.shared.inbox.desk import DeadLetterDesk
from services.shared.inbox.handling import Answer
from services.shared.inbox.metrics import InboxMetrics
from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.cloud_events import ConsumedEvent, event_headers
from services.shared.kafka.topics import TopicSpec, ensure_topics
from tests.doubles.parcel import NOW, PARCEL, Moved, context
from tests.integration.messaging import event_store_database, opened, opened_store
from tests.stack import CreateDatabase, SharedStack

#: Decides before the effect: returns an answer instead of it, raises, or returns None to go on.
Before = Callable[[ConsumedEvent], Answer | None]

_LOCAL = replace(PARCEL, topic=None)


def effect_of(event: ConsumedEvent) -> str:
    """The stream that an event's effect is in."""
    return f"effects/{event.key}"


@dataclass(kw_only=True)
class Service:
    """What a test of the inbox works with."""

    stack: SharedStack
    topic: str
    settings: ConsumerSettings
    database: Database
    store: PostgresEventStore
    producer: AIOKafkaProducer
    metrics: InboxMetrics = field(default_factory=lambda: InboxMetrics(CollectorRegistry()))
    handled: list[tuple[str, int]] = field(default_factory=list)

    @property
    def desk(self) -> DeadLetterDesk:
        return DeadLetterDesk(self.database)

    async def publish(self, key: str, versions: Sequence[int], *, type_: str = "Moved") -> None:
        """Publishes events of one aggregate, in the order given."""
        for version in versions:
            headers = event_headers(
                source=b"/tierlink/other",
                event_id=f"{key}-{version}",
                type_=type_,
                subject=key.encode(),
                recorded_at=NOW,
                version=version,
                traceparent="",
            )
            await self.producer.send_and_wait(self.topic, b"payload", key=key.encode(), headers=headers)

    async def effects(self, key: str) -> list[str]:
        """The versions that had an effect, in the order of their effects."""
        events = await self.store.read_events(f"effects/{key}")
        return [_LOCAL.decode_event(event.payload).event.to for event in events]

    async def inbox(self, key: str) -> int | None:
        version = await self.database.fetch_value("SELECT version FROM inbox WHERE aggregate_id = $1", key)
        return None if version is None else int(version)

    def count(self, outcome: str) -> int:
        return int(self.metrics.events.labels(self.topic, outcome)._value.get())

    def consumer(self, before: Before = lambda event: None, **changes: object) -> EventConsumer:
        """A consumer whose handler has its effect unless `before` says otherwise."""
        runner = CommandRunner(self.store)

        async def handle(event: ConsumedEvent) -> Answer:
            self.handled.append((event.key, event.version))
            answer = before(event)
            if answer is not None:
                return answer

            async def take_effect(work: Work) -> None:
                await work.record(_LOCAL, effect_of(event), [Moved(to=str(event.version))])

            mark = InboxMark(source=event.topic, aggregate_id=event.key, version=event.version)
            return await runner.react(
                take_effect, context(event.event_id), target=effect_of(event), inbox=mark
            )

        return EventConsumer(
            self.database,
            KafkaAddress(bootstrap=self.stack.kafka_bootstrap),
            handle,
            replace(self.settings, **changes),  # type: ignore[arg-type]
            self.metrics,
        )


@asynccontextmanager
async def consuming(consumer: EventConsumer) -> AsyncIterator[EventConsumer]:
    """The consumer runs during the block."""
    task = asyncio.create_task(consumer.run())
    try:
        yield consumer
    finally:
        await consumer.stop()
        await task


@asynccontextmanager
async def service(stack: SharedStack, database: CreateDatabase, prefix: str) -> AsyncIterator[Service]:
    """A service with a database and topics of its own."""
    topic, dlq = f"{prefix}other.v1", f"{prefix}dlq.v1"
    kafka = KafkaAddress(bootstrap=stack.kafka_bootstrap)
    await ensure_topics(kafka, [TopicSpec(name=topic, partitions=2), TopicSpec(name=dlq, partitions=1)])
    dsn = await event_store_database(stack, database)
    settings = ConsumerSettings(group=f"{prefix}group", topics=(topic,), dlq_topic=dlq, sweep_s=0.1)
    async with (
        opened(dsn) as pool,
        opened_store(dsn) as store,
        AIOKafkaProducer(bootstrap_servers=stack.kafka_bootstrap, acks="all") as producer,
    ):
        yield Service(
            stack=stack, topic=topic, settings=settings, database=pool, store=store, producer=producer
        )
