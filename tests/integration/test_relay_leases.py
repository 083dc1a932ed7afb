"""Leases: shared fairly, taken over, fenced by epoch, given up at once by a relay that stops."""

import asyncio
from contextlib import AsyncExitStack

from services.shared.eventstore.postgres_store import SHARDS
from services.shared.outbox.leases import Leases
from services.shared.outbox.relay import RelaySettings
from services.shared.outbox.table import RELAY_SESSION, OutboxTable
from tests.integration.messaging import event_store_database, opened, running_relay, until
from tests.stack import CreateDatabase, SharedStack

_QUICK = RelaySettings(source="/tierlink/test", lease_s=1.0, poll_s=0.1)
_NOBODY = frozenset[int]()


async def test_the_table_has_a_lease_for_each_shard(stack: SharedStack, database: CreateDatabase) -> None:
    async with opened(await event_store_database(stack, database)) as plain:
        assert await plain.fetch_value("SELECT count(*) FROM relay_leases") == SHARDS


async def test_relays_that_come_and_go_share_the_shards(stack: SharedStack, database: CreateDatabase) -> None:
    dsn = await event_store_database(stack, database)
    async with AsyncExitStack() as relays:
        running = [
            await relays.enter_async_context(running_relay(dsn, stack.kafka_bootstrap, _QUICK))
            for _ in range(3)
        ]

        def shares() -> list[int]:
            return sorted(len(one.relay.held) for one in running)

        def is_divided() -> bool:
            return frozenset().union(*(one.relay.held for one in running)) == frozenset(range(SHARDS))

        await until(lambda: shares() == [2, 3, 3] and is_divided())
        await running[0].relay.stop()
        del running[0]
        await until(lambda: shares() == [4, 4] and is_divided())


async def test_a_successor_has_another_epoch_and_the_former_holder_deletes_nothing(
    stack: SharedStack, database: CreateDatabase
) -> None:
    dsn = await event_store_database(stack, database)
    async with opened(dsn, session=RELAY_SESSION) as pool:
        await pool.execute(
            "INSERT INTO outbox (shard, topic, key, version, value, event_id, type, recorded_at, traceparent)"
            " SELECT n % 8, 't', 'k', 1, 'x', gen_random_uuid(), 'Moved', now(), ''"
            " FROM generate_series(1, 16) n"
        )
        table = OutboxTable(pool)
        former, successor = (Leases(pool, owner=name, lease_s=0.3) for name in ("former", "successor"))
        await former.tick(_NOBODY)
        epochs = former.usable(range(SHARDS))
        assert set(epochs) == set(range(SHARDS))
        rows = await table.fetch(dict.fromkeys(epochs, 0), _QUICK.bound)
        sequences = [row["seq"] for row in rows]

        async def taken_over() -> bool:
            await successor.tick(_NOBODY)
            return len(successor.held) == SHARDS

        await until(taken_over)
        assert former.usable(range(SHARDS)) == {}, "its own clock tells it that the leases are over"
        assert await table.delete("former", epochs, sequences) == frozenset()
        assert await pool.fetch_value("SELECT count(*) FROM outbox") == 16

        new_epochs = successor.usable(range(SHARDS))
        assert all(new_epochs[shard] > epochs[shard] for shard in epochs)
        assert await table.delete("successor", new_epochs, sequences[:4]) == frozenset(range(SHARDS))
        assert await pool.fetch_value("SELECT count(*) FROM outbox") == 12

        await former.tick(_NOBODY)
        assert former.held == frozenset(), "the database has told it too"


async def test_a_busy_shard_is_given_up_when_it_is_no_longer_busy(
    stack: SharedStack, database: CreateDatabase
) -> None:
    async with opened(await event_store_database(stack, database), session=RELAY_SESSION) as pool:
        one, other = (Leases(pool, owner=name, lease_s=5.0) for name in ("one", "other"))
        await one.tick(_NOBODY)
        await other.tick(_NOBODY)
        await one.tick(frozenset({7}))
        assert one.held == frozenset({0, 1, 2, 3, 7})
        assert 7 not in one.usable(range(SHARDS)), "nothing new is begun in it"
        await other.tick(_NOBODY)
        assert other.held == frozenset({4, 5, 6})
        await one.tick(_NOBODY)
        await other.tick(_NOBODY)
        assert (one.held, other.held) == (frozenset({0, 1, 2, 3}), frozenset({4, 5, 6, 7}))


async def test_ticks_and_deletes_of_many_relays_do_not_lock_each_other_out(
    stack: SharedStack, database: CreateDatabase
) -> None:
    async with opened(await event_store_database(stack, database), session=RELAY_SESSION) as pool:
        relays = [Leases(pool, owner=f"r{number}", lease_s=5.0) for number in range(3)]
        table = OutboxTable(pool)

        async def live(leases: Leases) -> None:
            for _ in range(40):
                await leases.tick(_NOBODY)
                await table.delete(leases.owner, leases.usable(range(SHARDS)), [1])

        await asyncio.gather(*(live(leases) for leases in relays))
        held = [leases.held for leases in relays]
        assert sum(map(len, held)) <= SHARDS
        assert len(frozenset().union(*held)) == sum(map(len, held)), "no shard has two holders"
