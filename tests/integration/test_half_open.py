"""A server that is gone without a word: packets are swallowed, nothing is closed. Nobody waits for ever."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiokafka.errors import KafkaError

from services.shared.database.pool import Database
from services.shared.eventstore.postgres_store import PostgresEventStore
from services.shared.eventstore.store import StreamPage, StreamQuery
from services.shared.kafka import consumer
from services.shared.kafka.address import KafkaAddress
from services.shared.kernel.refusals import DependencyDown
from services.shared.lifecycle.foundation import LOST_CLIENTS
from services.shared.outbox.relay import RelaySettings
from services.shared.outbox.signals import OutboxListener
from tests.faults.line import open_database_line
from tests.integration.messaging import event_store_database, opened, running_relay, until
from tests.stack import CreateDatabase, SharedStack

_LISTENERS = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'listener'
"""


async def test_an_answer_that_does_not_come_is_an_outage_and_the_next_question_is_answered(
    database: CreateDatabase,
) -> None:
    async with open_database_line(await database()) as (line, dsn):
        pool = Database(dsn, application_name="half-open", connections_max=1, statement_s=0.5)
        try:
            assert await pool.fetch_value("SELECT 1") == 1
            line.lose()
            async with asyncio.timeout(5) as patience:
                with pytest.raises(DependencyDown):
                    await pool.fetch_value("SELECT 2")
            assert not patience.expired()
            line.mend()
            assert await pool.fetch_value("SELECT 3") == 3
            line.lose()
            async with asyncio.timeout(5) as patience:
                with pytest.raises(DependencyDown):
                    await pool.fetch("SELECT 4", within_s=0.1)
            assert not patience.expired()
        finally:
            await pool.close()


async def test_reads_that_callers_wait_for_have_their_own_bound(
    stack: SharedStack, database: CreateDatabase
) -> None:
    """A pool's statements may last; whoever calls is told of the outage long before."""
    direct = await event_store_database(stack, database)
    async with open_database_line(direct) as (line, dsn), opened(direct) as appending:
        pool = Database(dsn, application_name="callers", connections_max=1, callers_s=0.3)
        store = PostgresEventStore(pool, appending)
        reads: dict[str, Callable[[], Awaitable[object]]] = {
            "load": lambda: store.load("referrals/1"),
            "events": lambda: store.read_events("referrals/1"),
            "find": lambda: store.find(StreamQuery(kind="referral", contains={}, limit=1)),
            "find_any": lambda: store.find_any("referral", [{}]),
            "claim": lambda: store.find_claim("kind", "key"),
            "claims": lambda: store.claims_of("referrals/1"),
            "document": lambda: store.load_document("kind", "key"),
        }
        try:
            for name, read in reads.items():
                assert not _anything(await read()), name
                line.lose()
                # Whoever is cancelled there may see an outage too: the bound must not have been needed.
                async with asyncio.timeout(5) as patience:
                    with pytest.raises(DependencyDown):
                        await read()
                assert not patience.expired(), name
                line.mend()
        finally:
            await store.close()
            await pool.close()


def _anything(found: object) -> bool:
    return bool(found.streams if isinstance(found, StreamPage) else found)


async def test_what_a_vanished_process_had_locked_is_free_again(database: CreateDatabase) -> None:
    direct = await database()
    session = {**LOST_CLIENTS, "idle_in_transaction_session_timeout": "300ms"}
    async with opened(direct) as past, open_database_line(direct) as (line, dsn):
        await past.execute("CREATE TABLE rows AS SELECT 1 AS number")
        pool = Database(dsn, application_name="half-open", connections_max=1, session=session)
        async with pool.own_connection() as connection:
            for setting in LOST_CLIENTS:
                assert await connection.fetchval(f"SHOW {setting}") not in ("0", "", None), setting
            await connection.execute("BEGIN; SELECT number FROM rows FOR UPDATE")
            line.lose()
            async with asyncio.timeout(10):
                assert await past.fetch_value("SELECT number FROM rows FOR UPDATE") == 1


async def test_a_listener_notices_that_it_hears_nothing_any_more(
    stack: SharedStack, database: CreateDatabase
) -> None:
    direct = await event_store_database(stack, database)
    settings = RelaySettings(source="/tierlink/test", poll_s=100.0)
    async with (
        opened(direct) as past,
        open_database_line(direct) as (line, dsn),
        running_relay(direct, stack.kafka_bootstrap, settings) as running,
    ):
        pool = Database(dsn, application_name="listener", connections_max=2)
        listener = OutboxListener(pool, running.relay, probe_s=0.3)
        listening = asyncio.create_task(listener.run())

        async def listens() -> bool:
            return bool(await past.fetch_value(_LISTENERS))

        try:
            await until(listens)
            line.lose()
            line.mend()
            # The dead connection stays at the server; the one that counts is the second.
            await until(lambda: _more_than_one(past))
        finally:
            await listener.stop()
            await listening
            await pool.close()


async def _more_than_one(past: Database) -> bool:
    return int(await past.fetch_value(_LISTENERS)) >= 2


async def test_a_broker_that_is_gone_without_a_word_is_missed_within_a_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It takes the connection and says nothing; what asks it is told so after the bound of one request."""
    silent = await asyncio.start_server(_say_nothing, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    monkeypatch.setattr(consumer, "_REQUEST_TIMEOUT_MS", 300)
    address = KafkaAddress(bootstrap=f"127.0.0.1:{port}")
    try:
        async with asyncio.timeout(10) as patience:
            with pytest.raises((DependencyDown, KafkaError)):
                await consumer.start_consumer(
                    address, client_id="half-open", bounds=consumer.FetchBounds(), timeout_s=60.0
                )
        assert not patience.expired()
    finally:
        silent.close()


async def _say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(1024):
        pass
    writer.close()
