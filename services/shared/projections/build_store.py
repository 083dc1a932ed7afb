"""Read models in the making, in PostgreSQL. Everything raises DependencyDown while it is away."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import orjson

from services.shared.database.pool import Database
from services.shared.database.sql_blocks import load_blocks
from services.shared.eventstore.aggregate import AggregateKind, Loaded, absent
from services.shared.kernel.refusals import DependencyDown
from services.shared.projections.decisions import ProjectionFile
from services.shared.refolding.folding import Folded
from services.shared.refolding.subject import SourceEvent
from services.shared.refolding.topic_source import Places

_SQL = load_blocks("services.shared.projections.sql", "projections.sql")
_EVENTS_AFTER = load_blocks("services.shared.refolding.sql", "refolding.sql")["events_after"]

#: How long a swap waits for whoever has a table in hand, before it is tried again.
_LOCK_TIMEOUT = "SET LOCAL lock_timeout = '3s'"


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectionSpec:
    """A table whose rows follow from the states of aggregates, one aggregate's from its own alone."""

    #: of the table
    name: str
    #: columns of its primary key
    key: tuple[str, ...]
    #: the column that names the aggregate
    owner: str
    #: kinds of aggregates, by name, that it has rows of
    kinds: Mapping[str, AggregateKind[Any, Any]]
    #: which kind an aggregate on a topic is, by the first part of its name
    collections: Mapping[str, AggregateKind[Any, Any]]
    #: writes the rows of aggregates into `building`: their ids, versions and facets
    write: str

    @property
    def topics(self) -> tuple[str, ...]:
        found = (kind.topic for kind in self.collections.values() if kind.topic is not None)
        return tuple(dict.fromkeys(found))

    @property
    def unpublished(self) -> tuple[str, ...]:
        """Kinds whose events stay in the store."""
        return tuple(name for name, kind in self.kinds.items() if kind.topic is None)

    def filled(self, block: str) -> str:
        """A statement on its table. Its parts are constants of this program."""
        return _SQL[block].format(
            table=self.name,
            owner=self.owner,
            orphan_key=", ".join(f"o.{column}" for column in self.key),
            serving_key=", ".join(f"s.{column}" for column in self.key),
            built_key=", ".join(f"b.{column}" for column in self.key),
            same_key=" AND ".join(f"s.{column} = b.{column}" for column in self.key),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Build:
    """One of a read model that is there."""

    number: int
    #: STORE or KAFKA; empty for the first
    source: str
    #: BUILDING, SERVING or RETIRED
    state: str
    after_stream_id: str
    is_passed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """An aggregate, and the version that the one in the making knows of it."""

    stream_id: str
    kind: str
    #: 0 for none
    version: int


class BuildStore:
    """The builds of one read model. `connection` is the caller's where several steps are one transaction."""

    def __init__(self, database: Database, spec: ProjectionSpec) -> None:
        self._database = database
        self.spec = spec

    @property
    def database(self) -> Database:
        return self._database

    async def builds(self, connection: Any = None) -> dict[str, Build]:
        """Those that are there, by their state."""
        rows = await (connection or self._database).fetch(_SQL["read_builds"], self.spec.name)
        return {row["state"]: Build(**row) for row in rows}

    async def counts(self) -> tuple[int, int]:
        """How many aggregates the one in the making knows, and how many there are."""
        rows = await self._database.fetch(_SQL["counts"], self.spec.name, list(self.spec.kinds))
        return rows[0]["built"], rows[0]["aggregates"]

    @asynccontextmanager
    async def changing_places(self) -> AsyncIterator[Any]:
        """A connection in a transaction that makes, drops or exchanges tables: one at a time.

        Raises DependencyDown when somebody has one of them in hand for long.
        """
        try:
            async with self._database.connection() as connection, connection.transaction():
                await connection.execute(_LOCK_TIMEOUT)
                await connection.execute(_SQL["lock_builds"])
                yield connection
        except asyncpg.LockNotAvailableError as error:
            raise DependencyDown("postgresql", "somebody has the table in hand; try again") from error

    async def carry_out(self, file: ProjectionFile) -> None:
        """What was decided and is not done, but a swap: drops, and an empty table for one that begins."""
        name = self.spec.name
        async with self.changing_places() as connection:
            there = await self.builds(connection)
            building, retired = there.get("BUILDING"), there.get("RETIRED")
            if building is not None and building.number not in (file.building, file.serving):
                await connection.execute(self.spec.filled("drop_building"))
                await connection.execute(_SQL["move_build"], name, building.number, "DROPPED")
                await connection.execute(_SQL["forget_built"], name)
                building = None
            if retired is not None and retired.number != file.retired:
                await connection.execute(self.spec.filled("drop_retired"))
                await connection.execute(_SQL["move_build"], name, retired.number, "DROPPED")
            if file.building and building is None:
                await connection.execute(_SQL["begin_build"], name, file.building, file.source)

    async def hold_commands(self, connection: Any) -> dict[str, Build]:
        """Appends wait from here to the end of the transaction; the builds as they are then."""
        await connection.execute(_SQL["hold_commands"])
        return await self.builds(connection)

    async def has_same_columns(self) -> bool:
        """Whether no migration has changed the one that serves since the other was begun."""
        return bool(await self._database.fetch_value(_SQL["same_columns"], self.spec.name))

    async def switch(self, connection: Any, *, serving: int, number: int) -> None:
        """The one in the making serves, within the caller's transaction."""
        name = self.spec.name
        await connection.execute(self.spec.filled("switch"))
        await connection.execute(_SQL["move_build"], name, serving, "RETIRED")
        await connection.execute(_SQL["move_build"], name, number, "SERVING")
        await connection.execute(_SQL["forget_built"], name)

    async def next_to_pass(self, kinds: Iterable[str], *, after: str, limit: int) -> list[Known]:
        """The next aggregates of the first pass, by id."""
        rows = await self._database.fetch(_SQL["next_to_pass"], self.spec.name, list(kinds), after, limit)
        return [Known(**row) for row in rows]

    async def behind(
        self, kinds: Iterable[str], *, but: Sequence[str] = (), limit: int, connection: Any = None
    ) -> list[Known]:
        """Aggregates that have events which the one in the making lacks."""
        rows = await (connection or self._database).fetch(
            _SQL["behind"], self.spec.name, list(kinds), list(but), limit
        )
        return [Known(**row) for row in rows]

    async def count_behind(self) -> int:
        return int(
            await self._database.fetch_value(_SQL["count_behind"], self.spec.name, list(self.spec.kinds))
        )

    async def existing(self, names: Iterable[str]) -> frozenset[str]:
        """Those of these aggregates that the store has."""
        rows = await self._database.fetch(_SQL["existing"], list(names))
        return frozenset(row["stream_id"] for row in rows)

    async def places(self) -> Places:
        """How far each partition was read."""
        rows = await self._database.fetch(_SQL["read_places"], self.spec.name)
        return {(row["topic"], row["partition"]): row["next_offset"] for row in rows}

    async def events_after(
        self, reached: Mapping[str, int], *, limit: int, connection: Any = None
    ) -> list[SourceEvent]:
        """Stored events after a version of each of these aggregates."""
        rows = await (connection or self._database).fetch(
            _EVENTS_AFTER, list(reached), list(reached.values()), limit
        )
        return [
            SourceEvent(
                stream_id=row["stream_id"],
                version=row["version"],
                event_id=str(row["event_id"]),
                type=row["type"],
                recorded_at=row["recorded_at"],
                payload=row["payload"],
            )
            for row in rows
        ]

    async def states(
        self, kinds: Mapping[str, AggregateKind[Any, Any]], *, connection: Any = None
    ) -> dict[str, Loaded[Any]]:
        """What the next events of these aggregates are folded onto, by id."""
        rows = await (connection or self._database).fetch(_SQL["built_states"], self.spec.name, list(kinds))
        found = {
            row["stream_id"]: Loaded(
                stream_id=row["stream_id"],
                version=row["version"],
                head_hash=row["head_hash"],
                state=kinds[row["stream_id"]].decode_state(row["state"]),
            )
            for row in rows
        }
        return {name: found.get(name) or absent(kind, name) for name, kind in kinds.items()}

    async def write(
        self, folded: Sequence[Folded], *, connection: Any = None, places: Places | None = None
    ) -> None:
        """What a page came to: rows of those aggregates that are then at their latest version, and places."""
        if connection is not None:
            await self._write(connection, folded, places or {})
            return
        async with self._database.connection() as own, own.transaction():
            await self._write(own, folded, places or {})

    async def keep_pass(self, number: int, *, after: str, is_passed: bool) -> None:
        """How far the first pass has come; what is before it was written before."""
        await self._database.execute(_SQL["keep_pass"], self.spec.name, number, after, is_passed)

    async def _write(self, connection: Any, folded: Sequence[Folded], places: Places) -> None:
        changed = [each for each in folded if each.events]
        if changed:
            rows = await connection.fetch(
                _SQL["keep_built"],
                self.spec.name,
                [each.after.stream_id for each in changed],
                [each.after.version for each in changed],
                [each.after.head_hash for each in changed],
                [each.kind.encode_state(each.after.state) for each in changed],
            )
            kept = frozenset((row["stream_id"], row["version"]) for row in rows)
            latest = [each for each in changed if (each.after.stream_id, each.after.version) in kept]
            await connection.execute(
                self.spec.write,
                [each.after.stream_id for each in latest],
                [each.after.version for each in latest],
                [orjson.dumps(each.kind.facets(each.after.state)).decode() for each in latest],
            )
        if places:
            rows = [(topic, partition, offset) for (topic, partition), offset in places.items()]
            topics, partitions, offsets = (list(column) for column in zip(*rows, strict=True))
            await connection.execute(_SQL["keep_places"], self.spec.name, topics, partitions, offsets)

    async def page_to_compare(self, connection: Any, *, after: str, limit: int) -> list[tuple[str, bool]]:
        """The next aggregates, each with whether the one in the making has all its events."""
        rows = await connection.fetch(
            _SQL["page_to_compare"], self.spec.name, list(self.spec.kinds), after, limit
        )
        return [(row["stream_id"], row["is_current"]) for row in rows]

    async def differences(self, connection: Any, names: Sequence[str]) -> tuple[int, Sequence[Any]]:
        """How many rows of these aggregates serve, and those that are not the same in both."""
        count = await connection.fetchval(self.spec.filled("count_rows"), list(names))
        return count, await connection.fetch(self.spec.filled("compare_rows"), list(names))

    async def orphans(self, limit: int) -> Sequence[Any]:
        """Rows that serve and belong to no aggregate."""
        return await self._database.fetch(self.spec.filled("orphan_rows"), limit)
