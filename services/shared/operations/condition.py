"""How a service is: what its database says of what waits, what is late and who works."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from services.shared.database.migrations import Migration
from services.shared.database.pool import Database
from services.shared.database.sql_blocks import load_blocks

_SQL = load_blocks("services.shared.operations.sql", "condition.sql")

#: What must be told is that there are many; a table that has grown to millions is not read to its end.
COUNTED_MAX = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """Things that wait, counted up to COUNTED_MAX."""

    count: int
    #: None when nothing waits
    oldest_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class SchemaDifference:
    """The database's schema against what this version needs."""

    applied_count: int
    expected_count: int
    missing: tuple[str, ...]
    #: applied by a version that this one does not know
    unknown: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """How a service is at one moment."""

    database_time: datetime
    #: positive when the database's clock is ahead; zero when the duration of the question explains it
    database_ahead: timedelta
    schema: SchemaDifference
    outbox: Waiting
    live_relays_count: int
    shards_count: int
    #: shards that no live relay publishes
    unheld_shards: tuple[int, ...]
    parked_aggregates: Waiting
    dead_letters: Waiting
    #: due and not met
    overdue_deadlines: Waiting


def _now() -> datetime:
    return datetime.now(UTC)


class ConditionReader:
    """Reads a service's condition. Raises DependencyDown when the database is away."""

    def __init__(
        self, database: Database, migrations: Sequence[Migration], *, now: Callable[[], datetime] = _now
    ) -> None:
        self._database = database
        self._expected = frozenset(migration.version for migration in migrations)
        self._now = now

    async def read(self) -> Condition:
        """The condition now; one connection, so that opening it does not count as a difference of clocks."""
        async with self._database.connection() as connection:
            applied = await connection.fetch(_SQL["migrations"])
            asked_at = self._now()
            database_time: datetime = await connection.fetchval(_SQL["clock"])
            answered_at = self._now()
            outbox = await connection.fetchrow(_SQL["outbox"], COUNTED_MAX)
            relays = await connection.fetchrow(_SQL["relays"])
            waiting = await connection.fetchrow(_SQL["waiting"], COUNTED_MAX)
        return Condition(
            database_time=database_time,
            database_ahead=clock_difference(database_time, asked_at, answered_at),
            schema=schema_difference(self._expected, (row["version"] for row in applied)),
            outbox=Waiting(count=outbox["messages"], oldest_at=outbox["oldest_at"]),
            live_relays_count=relays["live"],
            shards_count=relays["shards"],
            unheld_shards=tuple(relays["unheld"]),
            parked_aggregates=_waiting(waiting, "parked"),
            dead_letters=_waiting(waiting, "letters"),
            overdue_deadlines=_waiting(waiting, "overdue"),
        )


def clock_difference(theirs: datetime, asked_at: datetime, answered_at: datetime) -> timedelta:
    """How far another clock is ahead at least: it was read at some moment between question and answer."""
    if theirs > answered_at:
        return theirs - answered_at
    if theirs < asked_at:
        return theirs - asked_at
    return timedelta()


def schema_difference(expected: frozenset[str], applied: Iterable[str]) -> SchemaDifference:
    """What is missing, and what only a newer version knows."""
    found = frozenset(applied)
    return SchemaDifference(
        applied_count=len(found),
        expected_count=len(expected),
        missing=tuple(sorted(expected - found)),
        unknown=tuple(sorted(found - expected)),
    )


def _waiting(row: Any, column: str) -> Waiting:
    return Waiting(count=row[column], oldest_at=row[f"{column}_since"])
