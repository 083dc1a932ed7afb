"""Every implementation of the event store, for the suites that each must pass."""

from collections.abc import AsyncIterator

import pytest

from services.shared.audit.checkpoint_store import CheckpointStore
from services.shared.database.migrations import load_migrations, migrate
from services.shared.database.pool import Database
from services.shared.eventstore.postgres_store import APPEND_SESSION, PostgresEventStore
from services.shared.eventstore.store import EventStore
from tests.contract.tampered_stores import Archive
from tests.doubles.memory_store import MemoryEventStore
from tests.stack import CreateDatabase

Wanted = EventStore | MemoryEventStore | PostgresEventStore


@pytest.fixture(params=["memory", "postgres"])
async def store(request: pytest.FixtureRequest, database: CreateDatabase) -> AsyncIterator[Wanted]:
    if request.param == "memory":
        yield MemoryEventStore()
        return
    dsn = await database()
    reading = Database(dsn, application_name="test-read")
    appending = Database(dsn, application_name="test-append", session=APPEND_SESSION)
    await migrate(reading, load_migrations("services.shared.eventstore.migrations"))
    postgres = PostgresEventStore(reading, appending)
    yield postgres
    await postgres.close()
    await reading.close()
    await appending.close()


@pytest.fixture
async def archive(database: CreateDatabase) -> AsyncIterator[Archive]:
    """A store of seven parcels, of five moves each."""
    opened = Database(await database(), application_name="test-checkpoints")
    await migrate(opened, load_migrations("services.shared.eventstore.migrations"))
    store = PostgresEventStore(opened, opened)
    found = Archive(database=opened, store=store, checkpoints=CheckpointStore(opened, "bed"))
    for number in range(7):
        await found.move(f"p/{number}", 5)
    yield found
    await store.close()
    await opened.close()
