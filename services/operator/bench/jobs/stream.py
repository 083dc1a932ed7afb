"""Reads a topic: as a replay does, and by a bare consumer that counts; and fills one to read."""

import itertools
import time
from typing import Any
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from services.operator.events.selection import Selection
from services.operator.events.source import Reach, open_source
from services.operator.events.topics import topics_named
from services.operator.replay.survey import survey
from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.cloud_events import event_headers
from services.shared.kafka.consumer import READ_UP, pin_partitions, start_consumer, stop_consumer
from services.shared.kafka.producer import ProducerSettings, start_producer

_EVENTS = """
SELECT e.stream_id, e.version, e.event_id, e.type, e.recorded_at, e.payload
FROM events e JOIN streams s USING (stream_id)
WHERE s.kind = 'referral'
ORDER BY e.stream_id, e.version
LIMIT 20000
"""
_POLL_MS = 200
_START_TIMEOUT_S = 10.0


async def fill_topic(*, dsn: str, bootstrap: str, topic: str, count: int) -> dict[str, Any]:
    """Publishes so many events of referrals of this database, again and again under new ids."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(_EVENTS)
    finally:
        await connection.close()
    producer = await start_producer(
        KafkaAddress(bootstrap=bootstrap), ProducerSettings(client_id="tierlink-bench", linger_ms=5)
    )
    try:
        last = None
        for number in range(count):
            row = rows[number % len(rows)]
            whose = UUID(row["stream_id"].partition("/")[2])
            # As long as the old one, so that the value stays a message.
            name = f"referrals/{UUID(int=whose.int ^ (number // len(rows)))}"
            key = name.encode()
            headers = event_headers(
                source=b"/tierlink/referral",
                event_id=str(row["event_id"]),
                type_=row["type"],
                subject=key,
                recorded_at=row["recorded_at"],
                version=row["version"],
                traceparent="",
            )
            value = row["payload"].replace(row["stream_id"].encode(), key)
            last = await producer.send(topic, value=value, key=key, headers=headers)
        await producer.flush()
        if last is not None:
            await last
    finally:
        await producer.stop()
    return {"lives": len({row["stream_id"] for row in rows}), "events": len(rows)}


async def replay_read(*, bootstrap: str, topic: str, seconds: float) -> dict[str, Any]:
    """Surveys the topic as a replay does before it sends, for so long: values decoded, versions followed."""
    (known,) = topics_named((topic,))
    async with open_source(KafkaAddress(bootstrap=bootstrap), (known,)) as source:
        read, begun_s = 0, time.perf_counter()
        for _ in itertools.count():
            await source.seek(Reach())
            found = await survey(source, Selection(), count_max=None, replays_max=3)
            if found.unreadable or found.gaps:
                raise ValueError(f"{found.unreadable} unreadable, {found.gaps} gaps")
            read += found.count
            if time.perf_counter() - begun_s >= seconds:
                break
        return {"per_second": read / (time.perf_counter() - begun_s), "records": read}


async def count_records(*, bootstrap: str, topic: str, seconds: float) -> dict[str, Any]:
    """Counts the topic's records by aiokafka alone, for so long, as `replay_read` fetches them."""
    consumer = await start_consumer(
        KafkaAddress(bootstrap=bootstrap),
        client_id="tierlink-bench",
        bounds=READ_UP,
        timeout_s=_START_TIMEOUT_S,
        subscribe=(topic,),
        group_id=None,
        auto_offset_reset="earliest",
    )
    try:
        partitions = pin_partitions(consumer)
        read, begun_s = 0, time.perf_counter()
        while time.perf_counter() - begun_s < seconds:
            read += await _count(consumer, partitions)
        return {"per_second": read / (time.perf_counter() - begun_s), "records": read}
    finally:
        await stop_consumer(consumer)


async def _count(consumer: AIOKafkaConsumer, partitions: tuple[TopicPartition, ...]) -> int:
    await consumer.seek_to_beginning(*partitions)
    count = sum((await consumer.end_offsets(list(partitions))).values())
    read = 0
    while read < count:
        for records in (await consumer.getmany(timeout_ms=_POLL_MS, max_records=2_000)).values():
            read += len(records)
    return read
