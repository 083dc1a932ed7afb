"""One running referral service for all tests of a module, and what they ask of it."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import grpc
import pytest
import pytest_asyncio

from services.embedded.databases import drop_database
from tests.integration.hospital import Hospital, details, new_id, referral_service
from tests.stack import SharedStack


class Site:
    """A running service, its database, and how much is in it."""

    def __init__(self, hospital: Hospital, dsn: str) -> None:
        self.hospital = hospital
        self.dsn = dsn

    async def events(self) -> int:
        connection = await asyncpg.connect(self.dsn)
        try:
            return int(await connection.fetchval("SELECT count(*) FROM events"))
        finally:
            await connection.close()

    async def payloads(self, stream: str) -> list[bytes]:
        """The stored events of an aggregate, in order."""
        connection = await asyncpg.connect(self.dsn)
        try:
            statement = "SELECT payload FROM events WHERE stream_id = $1 ORDER BY version"
            return [bytes(row["payload"]) for row in await connection.fetch(statement, stream)]
        finally:
            await connection.close()

    async def fetch(self, statement: str, *arguments: object) -> list[Any]:
        connection = await asyncpg.connect(self.dsn)
        try:
            return list(await connection.fetch(statement, *arguments))
        finally:
            await connection.close()

    async def execute(self, statement: str, *arguments: object) -> None:
        connection = await asyncpg.connect(self.dsn)
        try:
            await connection.execute(statement, *arguments)
        finally:
            await connection.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(stack: SharedStack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """One service for all tests of this module: each works on referrals of its own."""
    dsn = await stack.create_database(f"contract_{new_id()[:8]}")
    async with referral_service(tmp_path_factory.mktemp("referral"), dsn=dsn) as (hospital, _):
        yield Site(hospital, dsn)
    await drop_database(stack.postgres_dsn, dsn.rsplit("/", 1)[1])


async def refused(call: Any, code: grpc.StatusCode) -> dict[str, Any]:
    """The details of a call that must be refused so."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    assert caught.value.code() is code, caught.value.details()
    return details(caught.value)
