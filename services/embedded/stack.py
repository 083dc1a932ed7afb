"""Kafka and PostgreSQL together, for the demo, `tierlink up` and the tests."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from services.embedded.databases import ensure_database
from services.embedded.errors import EmbeddedError
from services.embedded.kafka import KafkaServer
from services.embedded.postgres import PostgresServer
from services.embedded.server import EmbeddedServer

DATABASE_PREFIX: Final = "tierlink_"


@dataclass(frozen=True, kw_only=True)
class StackAddresses:
    """Where the services find what they need, started here or given."""

    #: `host:port`, or several of them with commas between.
    kafka_bootstrap: str
    #: The DSN of each database, by the name that was asked for, such as `referral`.
    dsns: Mapping[str, str]


class EmbeddedStack:
    """Kafka and PostgreSQL in one folder; both end with this process, however it ends.

    Use it as an async context manager, or call `start()` and `stop()`, which need not be on one event loop.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        databases: Sequence[str] = (),
        durable: bool | None = None,
        kafka_port: int | None = None,
        postgres_port: int | None = None,
        with_kafka: bool = True,
        with_postgres: bool = True,
        cache: Path | None = None,
    ) -> None:
        """Start nothing yet.

        Without `folder`, a temporary one is used and removed at the end. `databases` are created if missing.
        `durable` is whether data survive a crash of the machine: by default, those in a given folder do.
        Without a port, a free one is chosen.
        """
        self._is_temporary = folder is None
        self._folder = Path(tempfile.gettempdir()) if folder is None else folder
        self._durable = not self._is_temporary if durable is None else durable
        self._databases = tuple(databases)
        self._ports = (kafka_port, postgres_port)
        self._with = (with_kafka, with_postgres)
        self._cache = cache
        self._kafka: KafkaServer | None = None
        self._postgres: PostgresServer | None = None

    @property
    def folder(self) -> Path:
        """Where the data and logs are: `kafka/` and `postgres/` in it."""
        return self._folder

    @property
    def kafka(self) -> KafkaServer:
        """The Kafka server, such as for a test that kills it. Raises EmbeddedError without one."""
        if self._kafka is None:
            raise EmbeddedError("The embedded Kafka is not started")
        return self._kafka

    @property
    def postgres(self) -> PostgresServer:
        """The PostgreSQL server, such as for a test that kills it. Raises EmbeddedError without one."""
        if self._postgres is None:
            raise EmbeddedError("The embedded PostgreSQL is not started")
        return self._postgres

    @property
    def kafka_bootstrap(self) -> str:
        """Kafka's address, `127.0.0.1:port`."""
        return self.kafka.bootstrap

    def postgres_dsn(self, database: str = "postgres") -> str:
        """Return the address of a database."""
        return self.postgres.dsn(database)

    async def start(self) -> None:
        """Start the servers at the same time and create the databases.

        Raises EmbeddedError, with nothing left running. After that the object starts no more.
        """
        servers = self._make_servers()
        starts = [asyncio.create_task(asyncio.to_thread(server.start)) for server in servers]
        try:
            done, _ = await asyncio.wait(starts, return_when=asyncio.FIRST_EXCEPTION)
            for start in done:
                start.result()
            for name in self._databases:
                await ensure_database(self.postgres_dsn(), name)
        except BaseException:
            # A thread cannot be cancelled: it is told, and its server ended, before this returns.
            for server in servers:
                server.abandon()
            await asyncio.gather(*starts, return_exceptions=True)
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop the servers, cleanly if they do so in time, and remove a temporary folder."""
        stops = [asyncio.to_thread(server.stop) for server in self._servers()]
        results = await asyncio.gather(*stops, return_exceptions=True)
        if self._is_temporary and self._servers():
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    def _servers(self) -> list[EmbeddedServer]:
        return [server for server in (self._kafka, self._postgres) if server is not None]

    def _make_servers(self) -> list[EmbeddedServer]:
        if self._servers():
            raise EmbeddedError("This stack was started before. Make another object for another start.")
        if self._is_temporary:
            self._folder = Path(tempfile.mkdtemp(prefix="tierlink-"))
        kafka_port, postgres_port = self._ports
        with_kafka, with_postgres = self._with
        if with_kafka:
            self._kafka = KafkaServer(
                self._folder / "kafka", port=kafka_port, cache=self._cache, is_temporary=self._is_temporary
            )
        if with_postgres:
            self._postgres = PostgresServer(
                self._folder / "postgres",
                port=postgres_port,
                durable=self._durable,
                cache=self._cache,
                is_temporary=self._is_temporary,
            )
        return self._servers()


@asynccontextmanager
async def resolve_stack(
    *,
    kafka_bootstrap: str | None,
    dsns: Mapping[str, str | None],
    folder: Path | None = None,
    durable: bool | None = None,
) -> AsyncIterator[StackAddresses]:
    """Use the given addresses and start only what is missing, for the time of the block.

    `dsns` has an entry for each database that is needed, such as `referral`; where it is None, the embedded
    PostgreSQL is started with a database `tierlink_referral`. Raises EmbeddedError.
    """
    missing = {name: f"{DATABASE_PREFIX}{name}" for name, dsn in dsns.items() if dsn is None}
    given = {name: dsn for name, dsn in dsns.items() if dsn is not None}
    if kafka_bootstrap is not None and not missing:
        yield StackAddresses(kafka_bootstrap=kafka_bootstrap, dsns=given)
        return
    stack = EmbeddedStack(
        folder,
        databases=tuple(missing.values()),
        durable=durable,
        with_kafka=kafka_bootstrap is None,
        with_postgres=bool(missing),
    )
    async with stack:
        started = {name: stack.postgres_dsn(database) for name, database in missing.items()}
        yield StackAddresses(
            kafka_bootstrap=stack.kafka_bootstrap if kafka_bootstrap is None else kafka_bootstrap,
            dsns={**given, **started},
        )
