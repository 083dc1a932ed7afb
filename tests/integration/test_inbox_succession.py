"""A consumer that was killed is not waited for: neither by who lives beside it nor by who is started anew."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg
import pytest
import structlog
from aiokafka.errors import KafkaError

from services.shared.inbox.consumer import ConsumerSettings
from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.group_members import GroupMember, open_group
from tests.integration.inbox_kit import Service, consuming, service
from tests.integration.messaging import until
from tests.stack import CreateDatabase, SharedStack

#: Who waits for the end of a session that long fails, however slow the machine.
SESSION_MS = 60_000

#: A process of the service, with everything of it but what its events do.
_PROCESS = """
import asyncio, sys
from prometheus_client import CollectorRegistry
from services.shared.database.pool import Database
from services.shared.inbox.consumer import ConsumerSettings, EventConsumer
from services.shared.inbox.handling import IGNORED
from services.shared.inbox.metrics import InboxMetrics
from services.shared.kafka.address import KafkaAddress

async def handle(event):
    return IGNORED

dsn, bootstrap, group, topic, dlq, session_ms = sys.argv[1:]
settings = ConsumerSettings(group=group, topics=(topic,), dlq_topic=dlq, session_timeout_ms=int(session_ms))
consumer = EventConsumer(
    Database(dsn, application_name="doomed"), KafkaAddress(bootstrap=bootstrap), handle, settings,
    InboxMetrics(CollectorRegistry()),
)
asyncio.run(consumer.run())
"""


async def members_of(it: Service) -> tuple[GroupMember, ...]:
    group = it.settings.group
    kafka = KafkaAddress(bootstrap=it.stack.kafka_bootstrap)
    async with open_group(kafka, group=group, client_id="test") as members:
        return await members.now()


async def are_members(it: Service, count: int) -> None:
    async def are() -> bool:
        try:
            return len(await members_of(it)) == count
        except KafkaError:
            # The first group of a Kafka: its coordinator is just made.
            return False

    await until(are)


@asynccontextmanager
async def doomed(it: Service) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that joins the group and is to be killed; its session would go on without it."""
    settings: ConsumerSettings = it.settings
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _PROCESS, it.database.dsn, it.stack.kafka_bootstrap),
        *(settings.group, it.topic, settings.dlq_topic, str(SESSION_MS)),
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def publish(it: Service, keys: Sequence[str], version: int) -> None:
    for key in keys:
        await it.publish(key, [version])


KEYS = tuple("abcdefgh")


async def test_who_is_started_anew_handles_at_once_what_came_meanwhile(
    stack: SharedStack, database: CreateDatabase, topic_prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with service(stack, database, topic_prefix) as it, doomed(it) as process:
        await are_members(it, 1)
        process.kill()
        await process.wait()
        await publish(it, KEYS, 1)
        assert len(await members_of(it)) == 1, "Kafka takes the dead one for alive"
        since_s = time.monotonic()
        async with consuming(it.consumer(session_timeout_ms=SESSION_MS)):
            await until(lambda: it.count("applied") == len(KEYS))
            took_s = time.monotonic() - since_s
    assert took_s < SESSION_MS / 1000 / 4, "it waited for the session of the dead one"
    with capsys.disabled():
        print(f"\nafter kill -9 and a start, all handled in {took_s:.2f} s of a session of 60 s")


async def test_who_lives_beside_it_takes_its_partitions_over(
    stack: SharedStack, database: CreateDatabase, topic_prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with (
        service(stack, database, topic_prefix) as it,
        consuming(it.consumer(session_timeout_ms=SESSION_MS)),
        doomed(it) as process,
    ):
        await are_members(it, 2)
        process.kill()
        await process.wait()
        since_s = time.monotonic()
        await publish(it, KEYS, 1)
        await until(lambda: it.count("applied") == len(KEYS))
        took_s = time.monotonic() - since_s
    assert took_s < SESSION_MS / 1000 / 4, "it waited for the session of the dead one"
    with capsys.disabled():
        print(f"\nafter kill -9 of one of two, the other has handled all in {took_s:.2f} s")


async def test_the_living_are_left_alone(
    stack: SharedStack, database: CreateDatabase, topic_prefix: str
) -> None:
    async with service(stack, database, topic_prefix) as it, AsyncExitStack() as exits:
        for _ in range(2):
            await exits.enter_async_context(consuming(it.consumer()))
        await are_members(it, 2)
        before = await members_of(it)
        # Each looks at the other some times.
        await asyncio.sleep(2.0)
        assert await members_of(it) == before


async def test_who_is_taken_for_dead_in_error_is_so_once_and_nothing_is_lost(
    stack: SharedStack, database: CreateDatabase, topic_prefix: str
) -> None:
    async with service(stack, database, topic_prefix) as it, AsyncExitStack() as exits:
        for _ in range(2):
            await exits.enter_async_context(consuming(it.consumer(session_timeout_ms=SESSION_MS)))
        await are_members(it, 2)
        before = {member.client_id for member in await members_of(it)}
        with structlog.testing.capture_logs() as logs:

            def taken_for_dead() -> int:
                return sum(line["event"] == "consumer_succeeded" for line in logs)

            for version in range(1, 4):
                await _cut_one_sign_of_life(it)
                await publish(it, KEYS, version)
                await until(lambda: it.count("applied") == version * len(KEYS))  # noqa: B023
                # As long as it takes to be back, and to be looked at again.
                await asyncio.sleep(1.5)
            assert 1 <= taken_for_dead() <= 2, "each of the two at most"
        await are_members(it, 2)
        assert {member.client_id for member in await members_of(it)} == before
        for key in KEYS:
            assert await it.effects(key) == ["1", "2", "3"]


async def _cut_one_sign_of_life(it: Service) -> None:
    """Ends the older connection that has a lock, as an outage of the network would."""
    connection = await asyncpg.connect(it.database.dsn)
    try:
        ended = await connection.fetch(
            """
            SELECT pg_terminate_backend(pid)
            FROM pg_locks JOIN pg_database d ON d.oid = database AND d.datname = current_database()
            WHERE locktype = 'advisory' AND granted
            ORDER BY pid
            LIMIT 1
            """
        )
        assert len(ended) == 1
    finally:
        await connection.close()
