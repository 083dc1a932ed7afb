"""The new database: empty, or one that this program has begun. A page is one transaction with its places."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson

from services.shared.database.migrations import Migration, migrate
from services.shared.database.pool import Database
from services.shared.database.sql_blocks import load_blocks
from services.shared.eventstore.units import Claim, StoredStream
from services.shared.refolding.folding import Folded, SetDeadline
from services.shared.refolding.topic_source import Places

SQL = load_blocks("services.shared.refolding.sql", "refolding.sql")
_EVENT_COLUMNS = (
    *("stream_id", "version", "event_id", "type", "recorded_at"),
    *("previous_hash", "hash", "payload"),
)

#: How long a program may take to end whose operator was killed, and PostgreSQL to notice.
_OTHERS_END_S = 5.0
_AGAIN_S = 0.2


class NotEmpty(Exception):
    """The database is somebody's."""


class InUse(Exception):
    """Another program writes the database."""


@asynccontextmanager
async def alone(database: Database) -> AsyncIterator[None]:
    """No other program of this kind writes the database meanwhile. Raises InUse, DependencyDown."""
    until_s = time.monotonic() + _OTHERS_END_S
    async with database.connection() as connection:
        while not await connection.fetchval(SQL["take"]):
            if time.monotonic() > until_s:
                raise InUse("another verification is writing it")
            await asyncio.sleep(_AGAIN_S)
        yield


class Replica:
    """Written by one program at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def database(self) -> Database:
        return self._database

    async def prepare(
        self, migrations: tuple[Migration, ...], *, service: str, source: str, live: str
    ) -> bool:
        """Makes the tables, or finds those of an earlier run; whether it was begun before.

        Raises NotEmpty for any other database, DependencyDown.
        """
        origin = (service, source, live)
        begun = bool(await self._database.fetch_value(SQL["is_ours"]))
        if begun:
            found = tuple(await self._database.fetch_row(SQL["read_origin"]) or ())
            if found != origin:
                raise NotEmpty(f"it was begun as {found}, not as {origin}")
        elif not await self._database.fetch_value(SQL["is_empty"]):
            raise NotEmpty("it is not empty")
        else:
            async with self._database.connection() as connection, connection.transaction():
                await connection.execute(SQL["begin"])
                await connection.execute(SQL["keep_origin"], *origin)
        await migrate(self._database, migrations)
        return begun

    async def places(self) -> Places:
        """How far each partition was read."""
        rows = await self._database.fetch(SQL["read_places"])
        return {(row["topic"], row["partition"]): row["next_offset"] for row in rows}

    async def streams(self, stream_ids: Sequence[str]) -> Mapping[str, StoredStream]:
        """Those of them that are there."""
        rows = await self._database.fetch(_LOAD_STREAMS, list(stream_ids))
        return {row["stream_id"]: StoredStream(**row) for row in rows}

    async def write(self, folded: Sequence[Folded], places: Places) -> None:
        """A page: all of it with its places, or nothing. Raises DependencyDown."""
        changed = [each for each in folded if each.events]
        async with self._database.connection() as connection, connection.transaction():
            if changed:
                await connection.copy_records_to_table(
                    "events", records=list(_event_rows(changed)), columns=_EVENT_COLUMNS
                )
                await connection.execute(SQL["write_streams"], *_columns(_stream_rows(changed), 7))
                await connection.execute(SQL["keep_waiting"], *_columns(_waiting_rows(changed), 2))
            if places:
                rows = [(topic, partition, offset) for (topic, partition), offset in places.items()]
                await connection.execute(SQL["keep_places"], *_columns(rows, 3))

    async def waiting(self, *, after: str, limit: int) -> Sequence[tuple[str, str]]:
        """Id and kind of aggregates with a deadline or a claim, by id."""
        rows = await self._database.fetch(SQL["list_waiting"], after, limit)
        return [(row["stream_id"], row["kind"]) for row in rows]

    async def forget_derived(self) -> None:
        """Deadlines and claims are to be written anew."""
        await self._database.execute(SQL["forget_derived"])

    async def write_derived(
        self, deadlines: Sequence[tuple[str, str, SetDeadline]], claims: Iterable[Claim]
    ) -> None:
        """Deadlines, each with its aggregate and its kind, and claims."""
        rows = [
            (stream_id, each.deadline.key, kind, each.deadline.due_at, each.set_version)
            for stream_id, kind, each in deadlines
        ]
        await self._database.execute(SQL["write_deadlines"], *_columns(rows, 5))
        await self._database.execute(
            SQL["write_claims"], *_columns([(each.kind, each.key, each.holder) for each in claims], 3)
        )


_LOAD_STREAMS = load_blocks("services.shared.eventstore.sql", "event_store.sql")["load_streams"]


def _event_rows(folded: Sequence[Folded]) -> Iterable[tuple[Any, ...]]:
    for each in folded:
        name = each.after.stream_id
        for e in each.events:
            yield (
                *(name, e.version, e.event_id, e.type, e.recorded_at),
                *(e.previous_hash, e.hash, e.payload),
            )


def _stream_rows(folded: Sequence[Folded]) -> Iterable[tuple[Any, ...]]:
    for each in folded:
        kind, after = each.kind, each.after
        facets = orjson.dumps(kind.facets(after.state)).decode()
        yield (
            *(after.stream_id, kind.name, after.version, after.head_hash),
            *(kind.encode_state(after.state), kind.fold_version, facets),
        )


def _waiting_rows(folded: Sequence[Folded]) -> Iterable[tuple[str, bool]]:
    for each in folded:
        state = each.after.state
        yield each.after.stream_id, bool(each.kind.deadlines(state) or each.kind.claims(state))


def _columns(rows: Iterable[tuple[Any, ...]], count: int) -> list[list[Any]]:
    """Rows as the arrays that a statement unnests."""
    columns: list[list[Any]] = [[] for _ in range(count)]
    for row in rows:
        for column, value in zip(columns, row, strict=True):
            column.append(value)
    return columns
