"""A bounded connection pool whose failures are refusals: an outage is UNAVAILABLE, not a stack trace."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import structlog

from services.shared.kernel.refusals import DependencyDown, DiskFull

_log = structlog.get_logger(__name__)

#: What asyncpg and the operating system raise when the server is away, going down or starting up.
OUTAGE = (
    OSError,
    asyncio.TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    # What a connection answers that was cut in the middle of a statement.
    asyncpg.InternalClientError,
    # Somebody changes a password, or makes the database: nobody need be restarted for it.
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
)
_REFUSALS = (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError)

#: How long an answer is waited for that callers wait for. Of a server that is gone without a word none comes,
#: and behind the statement wait all that come after it.
CALLERS_WAIT_S = 8.0


def outage_of(error: BaseException) -> DependencyDown:
    """What one of `OUTAGE` is to whoever asked."""
    if isinstance(error, asyncpg.DiskFullError):
        return DiskFull()
    if isinstance(error, ssl.SSLCertVerificationError):
        return DependencyDown("postgresql", f"its certificate is not accepted: {error.verify_message}")
    if isinstance(error, _REFUSALS):
        # Callers are told no names of users and databases; 28P01 is a wrong password, 3D000 no such database.
        return DependencyDown("postgresql", f"it does not let us in ({error.sqlstate})")
    return DependencyDown("postgresql", f"not available: {type(error).__name__}")


async def _keep_session(connection: object) -> None:
    """Nothing is reset when a connection is given back: that is a round trip after each statement (a third of
    all throughput), and nobody here leaves settings, locks or cursors behind. An open transaction is rolled
    back by asyncpg all the same.
    """


class Database:
    """One PostgreSQL database of one service.

    Connections are opened when they are needed, so that a service starts, and comes back, without the server.
    """

    def __init__(
        self,
        dsn: str,
        *,
        application_name: str,
        connections_max: int = 10,
        timeout_s: float = 5.0,
        statement_s: float = 30.0,
        callers_s: float = CALLERS_WAIT_S,
        session: dict[str, str] | None = None,
    ) -> None:
        """`statement_s` is how long an answer is waited for: of a server that is gone without a word none
        comes. `callers_s` is the bound of what a caller waits for meanwhile.
        """
        self._dsn = dsn
        self._timeout_s = timeout_s
        self._statement_s = statement_s
        self._callers_s = callers_s
        self._connections_max = connections_max
        self._session = {"application_name": application_name, "timezone": "UTC", **(session or {})}
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._opening = asyncio.Lock()

    @property
    def dsn(self) -> str:
        return self._dsn

    async def _open(self) -> "asyncpg.Pool[asyncpg.Record]":
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._dsn,
                    min_size=0,
                    max_size=self._connections_max,
                    timeout=self._timeout_s,
                    command_timeout=self._statement_s,
                    max_inactive_connection_lifetime=300.0,
                    reset=_keep_session,
                    server_settings=self._session,
                )
            return self._pool

    async def close(self) -> None:
        if self._pool is not None:
            pool, self._pool = self._pool, None
            try:
                await asyncio.wait_for(pool.close(), self._timeout_s)
            except OUTAGE:
                pool.terminate()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """A connection of the pool. Raises DependencyDown when the server is away or fails meanwhile."""
        try:
            pool = self._pool or await self._open()
            async with pool.acquire(timeout=self._timeout_s) as connection:
                try:
                    yield connection
                except OUTAGE:
                    # It may be in the middle of a statement: nobody must be given it again.
                    connection.terminate()
                    raise
        except OUTAGE as error:
            raise outage_of(error) from error

    @asynccontextmanager
    async def own_connection(self) -> AsyncIterator[Any]:
        """A connection beside the pool, for what lasts as long as it does.

        Raises DependencyDown when the server is away or fails meanwhile.
        """
        try:
            connection = await asyncpg.connect(
                self._dsn,
                timeout=self._timeout_s,
                command_timeout=self._timeout_s,
                server_settings=self._session,
            )
            try:
                yield connection
            finally:
                # What it held is to be free at once.
                connection.terminate()
        except OUTAGE as error:
            raise outage_of(error) from error

    async def fetch(self, statement: str, *arguments: object, within_s: float | None = None) -> Sequence[Any]:
        """`within_s` in place of the pool's own bound for a statement."""
        async with self.connection() as connection:
            rows: Sequence[Any] = await connection.fetch(statement, *arguments, timeout=within_s)
            return rows

    async def fetch_for_caller(self, statement: str, *arguments: object) -> Sequence[Any]:
        """Rows that a caller waits for. Raises DependencyDown when none come within the callers' bound."""
        return await self.fetch(statement, *arguments, within_s=self._callers_s)

    async def fetch_row(self, statement: str, *arguments: object) -> Any | None:
        async with self.connection() as connection:
            return await connection.fetchrow(statement, *arguments)

    async def fetch_value(self, statement: str, *arguments: object) -> Any:
        async with self.connection() as connection:
            return await connection.fetchval(statement, *arguments)

    async def execute(self, statement: str, *arguments: object) -> str:
        async with self.connection() as connection:
            status: str = await connection.execute(statement, *arguments)
            return status

    async def is_ready(self) -> bool:
        """True when a statement comes back."""
        try:
            return bool(await self.fetch_value("SELECT true"))
        except DependencyDown:
            return False
