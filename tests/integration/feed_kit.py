"""A topic, a tail of it, and readers that remember what they read."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiokafka import AIOKafkaProducer
from prometheus_client import CollectorRegistry

from services.shared.feed.metrics import FeedMetrics
from services.shared.feed.subscriber import FeedItem, Wanted
from services.shared.feed.tail import TailSettings, TopicTail, everything
from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.cloud_events import event_headers
from services.shared.kafka.topics import TopicSpec, ensure_topics
from tests.doubles.parcel import NOW


@dataclass(kw_only=True)
class Topic:
    """A topic that a test publishes to."""

    kafka: KafkaAddress
    name: str
    producer: AIOKafkaProducer
    metrics: FeedMetrics = field(default_factory=lambda: FeedMetrics(CollectorRegistry()))

    async def publish(self, key: str, versions: Sequence[int]) -> None:
        deliveries = []
        for version in versions:
            headers = event_headers(
                source=b"/tierlink/test",
                event_id=f"{key}-{version}",
                type_="Moved",
                subject=key.encode(),
                recorded_at=NOW,
                version=version,
                traceparent="",
            )
            deliveries.append(
                await self.producer.send(self.name, b"payload", key=key.encode(), headers=headers)
            )
        await asyncio.gather(*deliveries)

    @asynccontextmanager
    async def tail(self, settings: TailSettings | None = None) -> AsyncIterator[TopicTail]:
        """A tail that runs during the block and is connected at its beginning."""
        tail = TopicTail(self.kafka, self.name, self.metrics, settings or TailSettings(heartbeat_s=0.1))
        task = asyncio.create_task(tail.run())
        try:
            await tail.end_positions()
            yield tail
        finally:
            await tail.stop()
            await task


@asynccontextmanager
async def topic(bootstrap: str, name: str, *, partitions: int = 3) -> AsyncIterator[Topic]:
    kafka = KafkaAddress(bootstrap=bootstrap)
    await ensure_topics(kafka, [TopicSpec(name=name, partitions=partitions)])
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True) as producer:
        yield Topic(kafka=kafka, name=name, producer=producer)


class Reader:
    """Reads a stream in the background."""

    def __init__(
        self, tail: TopicTail, positions: Mapping[int, int] | None = None, wanted: Wanted = everything
    ) -> None:
        self.items: list[FeedItem] = []
        self.heartbeats: list[FeedItem] = []
        self._stream = tail.subscribe(positions, wanted=wanted)
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async with contextlib.aclosing(self._stream) as stream:
            async for item in stream:
                (self.heartbeats if item.event is None else self.items).append(item)

    @property
    def seen(self) -> list[tuple[str, int]]:
        return [(item.event.key, item.event.version) for item in self.items if item.event is not None]

    def versions(self, key: str) -> list[int]:
        return [version for one, version in self.seen if one == key]

    @property
    def failure(self) -> BaseException | None:
        return self._task.exception() if self._task.done() and not self._task.cancelled() else None

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.wait((self._task,))
