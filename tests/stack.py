"""A pytest plugin: one Kafka and one PostgreSQL for the whole run, shared by all its workers.

The servers are, in this order: those named by TIERLINK_TEST_KAFKA_BOOTSTRAP and TIERLINK_TEST_POSTGRES_DSN
(the product's own variables are not used: a test must never reach real data by accident), containers where a
Docker engine answers, else the embedded ones. TIERLINK_TEST_BACKEND=given|docker|embedded chooses.

The first process of the run starts them when the first test asks, and tells the workers where they are, so
a run of unit tests alone starts nothing. A test gets databases of its own, and a prefix for its topics.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import os
import secrets
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Client, Connection, Listener
from typing import Final

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from services.embedded import databases
from tests.stack_backends import Backend, StartedStack, choose_backend

_HOST_VARIABLE: Final = "TIERLINK_TEST_STACK_HOST"
_ANSWER_TIMEOUT_S: Final = 230.0
_STOP_TIMEOUT_S: Final = 60.0

#: Fills an empty database, such as by running a service's migrations; gets its DSN.
Build = Callable[[str], Awaitable[None]]
#: Creates a database of the test's own, as a copy of the template if one is named, and returns its DSN.
CreateDatabase = Callable[..., Awaitable[str]]


@dataclass(frozen=True, kw_only=True)
class SharedStack:
    """The run's servers, as a test sees them."""

    #: `given`, `docker` or `embedded`.
    backend: str
    kafka_bootstrap: str
    #: A database of the server, with a role that may create others.
    postgres_dsn: str
    #: Begins the name of everything that this run makes on the servers.
    prefix: str

    async def create_database(self, name: str, *, template: str | None = None) -> str:
        """Create the database `name` of this run, as a copy of `template` if given; returns its DSN."""
        return await databases.create_database(self.postgres_dsn, f"{self.prefix}{name}", template=template)

    async def ensure_template(self, name: str, build: Build) -> str:
        """Return the name of a template database that `build` has filled, once a run, whichever worker asks.

        Copying it for a test takes some 30 ms, however long `build` takes.
        """
        template = f"{self.prefix}template_{name}"
        lock = int.from_bytes(hashlib.sha256(template.encode()).digest()[:8], signed=True)
        connection = await asyncpg.connect(self.postgres_dsn)
        try:
            # Released at the end of the session, so also when the builder dies.
            await connection.execute("SELECT pg_advisory_lock($1)", lock)
            ready = await connection.fetchval(
                "SELECT datistemplate FROM pg_database WHERE datname = $1", template
            )
            if not ready:
                if ready is not None:
                    await databases.drop_database(self.postgres_dsn, template)  # its builder failed
                await build(await databases.create_database(self.postgres_dsn, template))
                # A database can only be copied while nobody is connected to it.
                await connection.execute(
                    f'ALTER DATABASE "{template}" IS_TEMPLATE true ALLOW_CONNECTIONS false'
                )
        finally:
            await connection.close()
        return template


class StackHost:
    """Holds the servers in the run's first process; answers the workers, one at a time, in a thread."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.prefix = f"t{secrets.token_hex(3)}_"
        self._started: StartedStack | None = None
        self._error: str | None = None
        key = secrets.token_bytes(16)
        self._listener = Listener(("127.0.0.1", 0), authkey=key)
        os.environ[_HOST_VARIABLE] = f"{self._listener.address[1]}:{key.hex()}"
        self._thread = threading.Thread(target=self._serve, name="stack-host", daemon=True)
        self._thread.start()

    @property
    def note(self) -> str | None:
        """What a person should know about the start, if it was not as announced."""
        return self._error or (self._started.note if self._started is not None else None)

    def stop(self) -> None:
        """Stop the servers, and remove from given ones what this run made there."""
        with _connect() as connection:
            connection.send("stop")
        self._thread.join(_STOP_TIMEOUT_S)
        os.environ.pop(_HOST_VARIABLE, None)
        if self._started is not None:
            if self._started.is_kept:
                asyncio.run(self._remove_databases(self._started.postgres_dsn))
            self._started.stop()

    def _serve(self) -> None:
        with self._listener:
            while True:
                # A worker that dies while it asks must not end the service of the others.
                with suppress(OSError, EOFError), self._listener.accept() as connection:
                    if connection.recv() == "stop":
                        return
                    connection.send(self._answer())

    def _answer(self) -> SharedStack | str:
        if self._started is None and self._error is None:
            try:
                self._started = self.backend.start()
            except Exception as error:
                # Remembered: every test that needs the servers fails at once, with the reason.
                self._error = f"The test servers ({self.backend.name}) did not start: {error}"
        if self._started is None:
            return self._error or ""
        return SharedStack(
            backend=self._started.name,
            kafka_bootstrap=self._started.kafka_bootstrap,
            postgres_dsn=self._started.postgres_dsn,
            prefix=self.prefix,
        )

    async def _remove_databases(self, dsn: str) -> None:
        connection = await asyncpg.connect(dsn)
        try:
            pattern = self.prefix.replace("_", r"\_") + "%"
            rows = await connection.fetch("SELECT datname FROM pg_database WHERE datname LIKE $1", pattern)
            for row in rows:
                await connection.execute(f'ALTER DATABASE "{row["datname"]}" IS_TEMPLATE false')
                await databases.drop_database(dsn, row["datname"])
        finally:
            await connection.close()


def _connect() -> Connection:
    port, key = os.environ[_HOST_VARIABLE].split(":")
    return Client(("127.0.0.1", int(port)), authkey=bytes.fromhex(key))


_HOST: Final = pytest.StashKey[StackHost]()


def pytest_configure(config: pytest.Config) -> None:
    """Announce the servers; only in the run's first process, not in its workers."""
    if not hasattr(config, "workerinput"):
        config.stash[_HOST] = StackHost(choose_backend(os.environ))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the servers."""
    host = config.stash.get(_HOST, None)
    if host is not None:
        host.stop()


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say which servers the run uses."""
    host = config.stash.get(_HOST, None)
    return None if host is None else f"tierlink servers: {host.backend.name} ({host.backend.reason})"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say so when the servers were not those of the header, or did not start."""
    host = config.stash.get(_HOST, None)
    if host is not None and host.note is not None:
        terminalreporter.write_line(f"tierlink servers: {host.note}", yellow=True)


@pytest.fixture(scope="session")
def stack() -> SharedStack:
    """The run's Kafka and PostgreSQL, started when the first test asks."""
    with _connect() as connection:
        connection.send("start")
        answer = (
            connection.recv()
            if connection.poll(_ANSWER_TIMEOUT_S)
            else "The test servers did not start in time"
        )
    if isinstance(answer, str):
        pytest.fail(answer, pytrace=False)
    assert isinstance(answer, SharedStack)
    return answer


_NUMBERS: Final = itertools.count(1)


def _own_name() -> str:
    """Return a name that no other test of this run has, in this worker or another."""
    return f"{os.getpid()}_{next(_NUMBERS)}"


@pytest.fixture
async def database(stack: SharedStack) -> AsyncIterator[CreateDatabase]:
    """`await database(template=None)` creates a database that is dropped after the test; returns its DSN."""
    created: list[str] = []

    async def create_database(template: str | None = None) -> str:
        dsn = await stack.create_database(_own_name(), template=template)
        created.append(dsn.rsplit("/", 1)[1])
        return dsn

    yield create_database
    for name in created:
        await databases.drop_database(stack.postgres_dsn, name)


@pytest.fixture
async def topic_prefix(stack: SharedStack) -> AsyncIterator[str]:
    """What the test's topics and consumer groups begin with; the topics are deleted after it."""
    prefix = f"{stack.prefix}{_own_name()}.".replace("_", "-")
    yield prefix
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.kafka_bootstrap)
    await admin.start()
    try:
        topics = [topic for topic in await admin.list_topics() if topic.startswith(prefix)]
        if topics:
            await admin.delete_topics(topics)
    finally:
        await admin.close()
