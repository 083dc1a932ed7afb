"""What a run puts on the topics itself: records again, records that nobody can read, records too early."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from random import Random
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from services.operator.events.topics import EVENT_TOPICS
from services.shared.kafka.cloud_events import event_headers
from services.shared.kernel.refusals import DependencyDown
from tests.faults.schedule import KAFKA, Fault
from tests.faults.stand import Stand
from tests.faults.topics import latest_records

#: Header of what the run itself puts on a topic.
INJECTED = "tierlink-faults-injected"
_RECORDS_MAX = 40
_KAFKA_BOUND_S = 15.0
#: So many records have an order that can be turned round, between different aggregates too.
_WAITING_LEAST = 4
_LOOK_S = 0.2
_AWAY = (KafkaError, DependencyDown, TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
_WAITING = """
SELECT topic, key, version, value, event_id::text AS event_id, type, recorded_at, traceparent
FROM outbox WHERE headers IS NULL ORDER BY seq DESC LIMIT $1
"""

_Record = tuple[str, bytes | None, bytes, Sequence[Any]]


class RecordFaults:
    """What is done to the topics of one stand. Each says what it came to, if it came to anything."""

    def __init__(self, stand: Stand, random: Random) -> None:
        self._stand = stand
        self._random = random

    async def duplicate(self, _fault: Fault) -> str:
        """Records of before come again, in any order: behind those that followed them."""
        # Of a topic that has any: which has is for the load to say.
        for topic in self._random.sample(EVENT_TOPICS, len(EVENT_TOPICS)):
            with suppress(*_AWAY):
                async with asyncio.timeout(_KAFKA_BOUND_S):
                    records = await latest_records(self._stand.bootstrap, topic.name, _RECORDS_MAX)
                if records:
                    self._random.shuffle(records)
                    return await self._put(
                        [(each.topic, each.key, each.value, each.headers) for each in records]
                    )
        return ""

    async def poison(self, _fault: Fault) -> str:
        """No headers, headers of another contract, and a value that is no message."""
        topic = self._random.choice(EVENT_TOPICS).name
        ids = [("ce_specversion", b"1.0"), ("ce_type", b"Nonsense"), ("ce_id", b"x")]
        return await self._put(
            [
                (topic, None, b"", ()),
                (topic, b"referrals/no-such", b"\xff\xfe", ()),
                (topic, b"referrals/no-such", b"\xff\xfe", ids),
            ]
        )

    async def out_of_order(self, fault: Fault) -> str:
        """What the relays of a service cannot send for a while is sent past them, the latest first.

        For as long as the fault lasts, it is waited until there are several of them.
        """
        lines = [lines.kafka for name, lines in self._stand.lines.items() if name.startswith(fault.target)]
        for line in lines:
            line.hold()
        try:
            records = await self._several_waiting(fault)
            return await self._put(records) if len(records) > 1 else ""
        except _AWAY:
            return ""
        finally:
            for line in lines:
                line.release()

    async def _several_waiting(self, fault: Fault) -> list[_Record]:
        records: list[_Record] = []
        with suppress(TimeoutError):
            async with asyncio.timeout(fault.lasts_s):
                while len(records) < _WAITING_LEAST:
                    await asyncio.sleep(_LOOK_S)
                    records = await self._waiting(fault.target)
        return records

    async def _waiting(self, service: str) -> list[_Record]:
        connection = await asyncpg.connect(self._stand.dsn(service), timeout=5)
        try:
            rows = await connection.fetch(_WAITING, _RECORDS_MAX, timeout=5)
        finally:
            connection.terminate()
        return [
            (
                row["topic"],
                row["key"].encode(),
                row["value"],
                event_headers(
                    source=f"/tierlink/{service}".encode(),
                    event_id=row["event_id"],
                    type_=row["type"],
                    subject=row["key"].encode(),
                    recorded_at=row["recorded_at"],
                    version=row["version"],
                    traceparent=row["traceparent"],
                ),
            )
            for row in rows
        ]

    async def _put(self, records: Sequence[_Record]) -> str:
        """How many of them are on the topics; Kafka may be hurt meanwhile."""
        producer = AIOKafkaProducer(bootstrap_servers=self._stand.bootstrap, client_id=f"faults-{KAFKA}")
        acknowledged = 0
        with suppress(*_AWAY):
            async with asyncio.timeout(_KAFKA_BOUND_S):
                try:
                    await producer.start()
                    for topic, key, value, headers in records:
                        marked = [*headers, (INJECTED, b"1")]
                        await producer.send_and_wait(topic, value, key=key, headers=marked)
                        acknowledged += 1
                finally:
                    await producer.stop()
        return f"{acknowledged} records" if acknowledged else ""
