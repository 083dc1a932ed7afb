"""The floor makes polls cheap and hides nothing: numbers drawn early and committed late are published."""

import asyncio
import json
from typing import Any

import asyncpg

from services.shared.database.pool import Database
from services.shared.eventstore.postgres_store import SHARDS
from services.shared.eventstore.runner import CommandRunner
from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.topics import TopicSpec, ensure_topics
from services.shared.outbox.relay import RelaySettings
from services.shared.outbox.table import RELAY_SESSION, SQL
from tests.integration.messaging import (
    RunningRelay,
    event_store_database,
    first_occurrences,
    move,
    opened,
    opened_store,
    parcels,
    read_events,
    running_relay,
    until,
)
from tests.stack import CreateDatabase, SharedStack

_QUICK = RelaySettings(source="/tierlink/test", lease_s=1.0, poll_s=0.05)

_INSERT = """
    INSERT INTO outbox (seq, shard, topic, key, version, value, event_id, type, recorded_at, traceparent)
    SELECT coalesce($1::bigint, nextval('outbox_seq')), $2::int, $3::text, $4::text || n, 1, 'x',
           gen_random_uuid(), 'Moved', now(), ''
    FROM generate_series(1, $5::int) n
"""


async def _topic(stack: SharedStack, prefix: str) -> str:
    topic = f"{prefix}parcels.v1"
    await ensure_topics(KafkaAddress(bootstrap=stack.kafka_bootstrap), [TopicSpec(name=topic, partitions=2)])
    return topic


def _floors(running: RunningRelay) -> dict[int, int]:
    return dict(running.relay._floors.aim(range(SHARDS)).floors)


async def _emptied(plain: Database) -> bool:
    return bool(await plain.fetch_value("SELECT count(*) = 0 FROM outbox"))


async def test_a_number_drawn_before_and_committed_after_others_is_not_lost(
    stack: SharedStack, database: CreateDatabase, topic_prefix: str
) -> None:
    dsn, topic = await event_store_database(stack, database), await _topic(stack, topic_prefix)
    holder, drawer = await asyncpg.connect(dsn), await asyncpg.connect(dsn)
    try:
        async with opened(dsn) as plain, running_relay(dsn, stack.kafka_bootstrap, _QUICK) as running:
            # One has inserted and not committed. The other has only drawn its number when the relay looks: it
            # has no transaction id yet, but the lock on the table.
            held, drawn = holder.transaction(), drawer.transaction()
            await held.start()
            await holder.execute(_INSERT, None, 0, topic, "held/", 1)
            await drawn.start()
            await drawer.execute("LOCK TABLE outbox IN ROW EXCLUSIVE MODE")
            number = await drawer.fetchval("SELECT nextval('outbox_seq')")

            for batch in range(3):
                for shard in range(SHARDS):
                    await plain.execute(_INSERT, None, shard, topic, f"later/{batch}/{shard}/", 20)
                await until(lambda: _emptied(plain))
            settled = running.relay._floors
            await until(lambda: settled._pending is not None and not settled._stirred)
            assert max(_floors(running).values()) <= number

            await held.commit()
            await until(lambda: _emptied(plain))
            await drawer.execute(_INSERT, number, 0, topic, "drawn/", 1)
            await drawn.commit()
            await until(lambda: _emptied(plain))
            seen = await read_events(stack.kafka_bootstrap, topic, distinct=3 * SHARDS * 20 + 2)
            assert {one.key for one in seen} >= {"held/1", "drawn/1"}
            # Nothing is open any more: the floors rise above all that was published.
            await plain.execute(_INSERT, None, 0, topic, "last/", 1)
            await until(lambda: min(_floors(running).values()) > number + 3 * SHARDS * 20)
    finally:
        await holder.close()
        await drawer.close()


async def test_a_command_whose_commit_is_held_up_keeps_its_aggregates_order(
    stack: SharedStack, database: CreateDatabase, topic_prefix: str
) -> None:
    dsn, topic = await event_store_database(stack, database), await _topic(stack, topic_prefix)
    kind = parcels(topic)
    blocker = await asyncpg.connect(dsn)
    try:
        async with (
            opened_store(dsn) as store,
            opened_store(dsn) as other,
            running_relay(dsn, stack.kafka_bootstrap, _QUICK),
        ):
            one, two = CommandRunner(store), CommandRunner(other)
            await move(one, kind, "parcels/a", "first")
            # Whoever inserts a stream whose id is being inserted elsewhere waits within the append statement.
            waiting = blocker.transaction()
            await waiting.start()
            await blocker.execute(
                "INSERT INTO streams (stream_id, kind, version, head_hash, snapshot, fold_version, facets,"
                " changed) VALUES ('parcels/b', 'parcel', 1, sha256(''), '', 1, '{}', 0)"
            )
            held_up = asyncio.create_task(move(two, kind, "parcels/b", "held-up"))
            for number in range(20):
                await move(one, kind, "parcels/a", f"{number}")
            assert not held_up.done()
            await waiting.rollback()
            await held_up
            seen = await read_events(stack.kafka_bootstrap, topic, distinct=22)
        assert first_occurrences(seen) == {"parcels/a": list(range(1, 22)), "parcels/b": [1]}
    finally:
        await blocker.close()


async def test_a_held_snapshot_does_not_make_polls_walk_over_what_is_deleted(
    stack: SharedStack, database: CreateDatabase, topic_prefix: str
) -> None:
    dsn, topic = await event_store_database(stack, database), await _topic(stack, topic_prefix)
    holder = await asyncpg.connect(dsn)
    try:
        async with opened(dsn) as plain, running_relay(dsn, stack.kafka_bootstrap, _QUICK) as running:
            snapshot = holder.transaction(isolation="repeatable_read")
            await snapshot.start()
            await holder.fetchval("SELECT count(*) FROM outbox")
            for shard in range(SHARDS):
                await plain.execute(_INSERT, None, shard, topic, f"dead/{shard}/", 1_000)
            await until(lambda: _emptied(plain))
            await plain.execute(_INSERT, None, 0, topic, "last/", 1)
            last = SHARDS * 1_000
            await until(lambda: min(_floors(running).values()) > last)
            floors = _floors(running)
            async with opened(dsn, session=RELAY_SESSION) as relay_pool:
                blind = await _buffers_touched(relay_pool, dict.fromkeys(range(SHARDS), 0))
                cheap = await _buffers_touched(relay_pool, floors)
            assert cheap * 10 < blind, (cheap, blind)
            await snapshot.rollback()
    finally:
        await holder.close()


async def _buffers_touched(database: Database, floors: dict[int, int]) -> int:
    text = await database.fetch_value(
        f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {SQL['fetch_messages']}",
        list(floors), list(floors.values()), 256, 1_000_000,
    )  # fmt: skip
    plan: dict[str, Any] = json.loads(text)[0]["Plan"]
    return int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"])
