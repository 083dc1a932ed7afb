"""Publishes what a store has, as its relay would have: each aggregate's events in order."""

from typing import Any

import asyncpg

from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.cloud_events import event_headers
from services.shared.kafka.producer import ProducerSettings, start_producer

_EVENTS = """
SELECT e.stream_id, e.version, e.event_id, e.type, e.recorded_at, e.payload, s.kind
FROM events e JOIN streams s USING (stream_id)
WHERE s.kind = ANY ($1::text[])
ORDER BY e.stream_id, e.version
"""
_FLUSH_EVERY = 5_000
TOPIC_OF_KIND = {"referral": "tierlink.referral.events.v1", "episode": "tierlink.episode.events.v1"}


async def publish_store(*, dsn: str, bootstrap: str) -> dict[str, Any]:
    """Every event of referrals and episodes; how many."""
    connection = await asyncpg.connect(dsn)
    producer = await start_producer(
        KafkaAddress(bootstrap=bootstrap), ProducerSettings(client_id="tierlink-bench", linger_ms=5)
    )
    count = 0
    try:
        async with connection.transaction():
            async for row in connection.cursor(_EVENTS, list(TOPIC_OF_KIND), prefetch=_FLUSH_EVERY):
                key = row["stream_id"].encode()
                await producer.send(
                    TOPIC_OF_KIND[row["kind"]],
                    value=row["payload"],
                    key=key,
                    headers=event_headers(
                        source=b"/tierlink/referral",
                        event_id=str(row["event_id"]),
                        type_=row["type"],
                        subject=key,
                        recorded_at=row["recorded_at"],
                        version=row["version"],
                        traceparent="",
                    ),
                )
                count += 1
                if count % _FLUSH_EVERY == 0:
                    await producer.flush()
        await producer.flush()
    finally:
        await producer.stop()
        await connection.close()
    return {"events": count}
