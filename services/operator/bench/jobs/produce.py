"""The bare producer: aiokafka's own `send` in a loop, with the relay's settings."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer

from services.operator.bench.records import OutboxRecord, outbox_records
from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.cloud_events import event_headers
from services.shared.kafka.producer import ProducerSettings, start_producer

_SOURCE = b"/tierlink/bench"


class BareProducer:
    """One producer for all rounds, as the relay has one."""

    def __init__(self) -> None:
        self._producer: AIOKafkaProducer | None = None

    async def produce(self, *, bootstrap: str, topic: str, count: int, seed: int) -> dict[str, Any]:
        """Sends the records; the time from the first send to the last acknowledgement."""
        if self._producer is None:
            kafka = KafkaAddress(bootstrap=bootstrap)
            self._producer = await start_producer(kafka, ProducerSettings(client_id="tierlink-bench"))
        records = list(outbox_records(count, seed))
        seconds = await _send(self._producer, topic, records)
        return {"per_second": count / seconds}

    async def close(self) -> None:
        if self._producer is not None:
            await self._producer.stop()


async def _send(producer: AIOKafkaProducer, topic: str, records: Sequence[OutboxRecord]) -> float:
    begun_s = time.perf_counter()
    acknowledgements = []
    for record in records:
        key = record.key.encode()
        headers = event_headers(
            source=_SOURCE,
            event_id=record.event_id,
            type_=record.type,
            subject=key,
            recorded_at=record.recorded_at,
            version=record.version,
            traceparent=record.traceparent,
        )
        acknowledgements.append(await producer.send(topic, value=record.value, key=key, headers=headers))
    await asyncio.gather(*acknowledgements)
    return time.perf_counter() - begun_s
