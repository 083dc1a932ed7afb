"""A login that PostgreSQL refuses is an outage: told without names, and over once it is mended."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest

from services.shared.database.pool import Database
from services.shared.kernel.refusals import DependencyDown
from tests.stack import CreateDatabase, SharedStack


@pytest.fixture
async def stranger(database: CreateDatabase) -> AsyncIterator[tuple[str, str]]:
    """A role that does not exist, and the DSN of a database with it; the role is dropped afterwards."""
    role, dsn = f"r{uuid4().hex[:8]}", await database()
    address = urlsplit(dsn)
    yield role, address._replace(netloc=f"{role}@{address.netloc.rpartition('@')[2]}").geturl()


async def test_who_is_not_let_in_is_told_so_and_comes_in_once_he_may(
    stack: SharedStack, stranger: tuple[str, str]
) -> None:
    role, dsn = stranger
    refused = Database(dsn, application_name="test-refused")
    keeper = await asyncpg.connect(stack.postgres_dsn)
    try:
        with pytest.raises(DependencyDown) as raised:
            await refused.fetch_value("SELECT 1")
        assert raised.value.dependency == "postgresql"
        assert "it does not let us in (28000)" in str(raised.value)
        assert role not in str(raised.value)
        await keeper.execute(f"CREATE ROLE {role} LOGIN")
        assert await refused.fetch_value("SELECT 1") == 1
    finally:
        await refused.close()
        await keeper.execute(f"DROP ROLE IF EXISTS {role}")
        await keeper.close()


async def test_a_database_that_is_not_there_is_an_outage_too(stack: SharedStack) -> None:
    address = urlsplit(stack.postgres_dsn)
    missing = Database(address._replace(path="/no_such_database").geturl(), application_name="test-refused")
    with pytest.raises(DependencyDown, match=r"it does not let us in \(3D000\)"):
        await missing.fetch_value("SELECT 1")
    await missing.close()


async def test_a_service_waits_for_its_login_and_says_why(
    stack: SharedStack, stranger: tuple[str, str]
) -> None:
    role, dsn = stranger
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("TIERLINK_")},
        "TIERLINK_BED_DSN": dsn,
        "TIERLINK_BED_PORT": "0",
        "TIERLINK_KAFKA_BOOTSTRAP": stack.kafka_bootstrap,
        "TIERLINK_PARTS": "grpc",
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.bed"), stderr=asyncio.subprocess.PIPE, env=environment
    )
    try:
        assert process.stderr is not None
        line = json.loads(await asyncio.wait_for(process.stderr.readline(), 60))
        assert line["event"] == "waiting_for_database"
        # Whoever keeps the service may read whom it is.
        assert f'role "{role}" does not exist' in line["reason"]
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 30) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
