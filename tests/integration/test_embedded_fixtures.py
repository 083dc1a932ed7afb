"""The fixtures of tests/stack.py: databases and topics of a test's own on servers that all tests share."""

from __future__ import annotations

import asyncio

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.stack import CreateDatabase, SharedStack


async def _build(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute("CREATE TABLE built (number int); INSERT INTO built VALUES (7)")
    await connection.close()


async def _numbers(dsn: str) -> list[int]:
    connection = await asyncpg.connect(dsn)
    rows = await connection.fetch("SELECT number FROM built")
    await connection.close()
    return [row["number"] for row in rows]


async def test_each_database_is_a_copy_of_its_own(stack: SharedStack, database: CreateDatabase) -> None:
    template = await stack.ensure_template("fixtures", _build)
    first, second = await database(template), await database(template)
    connection = await asyncpg.connect(first)
    await connection.execute("DELETE FROM built")
    await connection.close()
    assert await _numbers(first) == []
    assert await _numbers(second) == [7]


async def test_a_template_is_built_once_even_when_asked_for_at_once(stack: SharedStack) -> None:
    built: list[str] = []

    async def build(dsn: str) -> None:
        built.append(dsn)
        await _build(dsn)

    names = await asyncio.gather(*(stack.ensure_template("at_once", build) for _ in range(4)))
    assert len(set(names)) == 1
    assert len(built) == 1


async def test_a_template_whose_build_failed_is_built_anew(
    stack: SharedStack, database: CreateDatabase
) -> None:
    async def fail(dsn: str) -> None:
        await _build(dsn)
        raise RuntimeError("a migration is wrong")

    try:
        await stack.ensure_template("failing", fail)
    except RuntimeError as error:
        assert str(error) == "a migration is wrong"
    assert await _numbers(await database(await stack.ensure_template("failing", _build))) == [7]


async def test_topics_have_the_tests_own_prefix(stack: SharedStack, topic_prefix: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.kafka_bootstrap)
    await admin.start()
    try:
        name = f"{topic_prefix}events.v1"
        await admin.create_topics([NewTopic(name, num_partitions=3, replication_factor=1)])
        assert name in await admin.list_topics()
    finally:
        await admin.close()
