"""The pool: a connection that broke in the middle of a statement is nobody's any more."""

import asyncio

import asyncpg
import pytest

from services.shared.database.pool import Database
from services.shared.kernel.refusals import DependencyDown
from tests.stack import CreateDatabase


async def test_connections_that_are_cut_in_the_middle_are_not_given_out_again(
    database: CreateDatabase,
) -> None:
    dsn = await database()
    pool = Database(dsn, application_name="pool-under-test", connections_max=3)
    killer = await asyncpg.connect(dsn)
    try:
        for _ in range(5):
            sleepers = [asyncio.create_task(pool.fetch_value("SELECT pg_sleep(30)")) for _ in range(3)]
            async with asyncio.timeout(30):
                cut: set[int] = set()
                while len(cut) < 3:
                    rows = await killer.fetch(
                        "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE application_name = 'pool-under-test' AND query LIKE '%pg_sleep%'"
                        " AND state = 'active'"
                    )
                    cut.update(row["pid"] for row in rows)
            results = await asyncio.gather(*sleepers, return_exceptions=True)
            assert [type(result) for result in results] == [DependencyDown] * 3
            assert await asyncio.gather(*(pool.fetch_value("SELECT 1") for _ in range(6))) == [1] * 6
    finally:
        await killer.close()
        await pool.close()


async def test_a_caller_that_is_cancelled_leaves_the_pool_as_it_was(database: CreateDatabase) -> None:
    pool = Database(await database(), application_name="pool-under-test", connections_max=1)
    try:
        assert await pool.fetch_value("SELECT 1") == 1
        for _ in range(3):
            sleeper = asyncio.create_task(pool.fetch_value("SELECT pg_sleep(30)"))
            await asyncio.sleep(0)
            sleeper.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sleeper
            assert await pool.fetch_value("SELECT 1") == 1
    finally:
        await pool.close()


async def test_a_server_that_is_away_is_an_outage() -> None:
    pool = Database("postgresql://nobody@127.0.0.1:1/none", application_name="x", timeout_s=2.0)
    with pytest.raises(DependencyDown):
        await pool.fetch_value("SELECT 1")
    assert not await pool.is_ready()
    await pool.close()
