"""Compares a live database with a new one, a page of aggregates at a time, each page within one snapshot."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from services.shared.database.pool import Database
from services.shared.refolding.replica import SQL
from services.shared.refolding.subject import Subject, TableSpec

_STREAMS_MAX = 500
_CLAIMS_MAX = 5_000
#: Of each table; whoever has so many knows enough.
_ORPHANS_MAX = 1_000
#: What follows from a state alone: of an older fold it is no claim about the present one.
_CACHED = frozenset({"snapshot", "fold_version", "facets"})


class RowKind(StrEnum):
    #: only the live database has it
    MISSING = "MISSING"
    #: only the new database has it
    EXTRA = "EXTRA"
    #: both have it, and it is not the same
    ALTERED = "ALTERED"


@dataclass(frozen=True, kw_only=True, slots=True)
class RowDifference:
    """One row that is not the same in both."""

    kind: RowKind
    table: str
    #: as PostgreSQL writes the key, such as `(referrals/…,3)`
    key: str
    #: the aggregate that it belongs to
    owner: str
    #: of one that is altered
    columns: tuple[str, ...] = ()


@dataclass(kw_only=True)
class Comparison:
    """What was compared so far. Keeps the first differences, and counts them all."""

    shown_max: int
    rows: dict[str, int] = field(default_factory=dict)
    counts: dict[RowKind, int] = field(default_factory=dict)
    shown: list[RowDifference] = field(default_factory=list)
    #: aggregates whose snapshot is of an older fold: it is not read any more, and not compared
    outdated: int = 0

    @property
    def is_same(self) -> bool:
        return not self.counts

    def add(self, difference: RowDifference) -> None:
        self.counts[difference.kind] = self.counts.get(difference.kind, 0) + 1
        if len(self.shown) < self.shown_max:
            self.shown.append(difference)

    def take(self, other: "Comparison") -> None:
        """Goes on with what another found in other tables."""
        self.rows |= other.rows
        for kind, count in other.counts.items():
            self.counts[kind] = self.counts.get(kind, 0) + count
        self.shown += other.shown[: max(self.shown_max - len(self.shown), 0)]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Page:
    """Rows of some aggregates in one database, by table: digests by key, each with its owner."""

    versions: Mapping[str, tuple[int, int]]
    tables: Mapping[str, Mapping[str, tuple[str, bytes]]]


class DatabaseComparison:
    """The live database and the new one of a service."""

    def __init__(self, subject: Subject, live: Database, new: Database, comparison: Comparison) -> None:
        self._subject = subject
        self._live = live
        self._new = new
        self.found = comparison

    async def of_all(self) -> list[str]:
        """Compares everything; the aggregates of which the live database has more events by now."""
        ahead: list[str] = []
        after = ""
        while names := await _names(self._live, after):
            ahead += await self.of(names)
            after = names[-1]
        after = ""
        while names := await _names(self._new, after):
            there = frozenset(row["stream_id"] for row in await self._live.fetch(SQL["versions_of"], names))
            extra = [name for name in names if name not in there]
            if extra:
                await self.of(extra)
            after = names[-1]
        await self._orphans()
        return ahead

    async def _orphans(self) -> None:
        """Live rows of aggregates that neither has: those of one that is there anew were compared."""
        for table in self._subject.all_tables:
            if table.name == "streams":
                continue
            rows = await self._live.fetch(_filled("orphans", table), _ORPHANS_MAX)
            owners = list({row["owner"] for row in rows})
            there = {row["stream_id"] for row in await self._new.fetch(SQL["versions_of"], owners)}
            for row in rows:
                if row["owner"] not in there:
                    self._add(RowKind.MISSING, table, row["key"], row["owner"])

    async def of(self, names: Sequence[str]) -> list[str]:
        """Compares some aggregates; those among them that the live database has gone on with are left out."""
        live, new = await self._page(self._live, names), await self._page(self._new, names)
        ahead = [
            name
            for name, (version, _) in live.versions.items()
            if version > new.versions.get(name, (0, 0))[0]
        ]
        left_out = frozenset(ahead)
        for table in self._subject.all_tables:
            ours, theirs = live.tables[table.name], new.tables[table.name]
            self.found.rows[table.name] = self.found.rows.get(table.name, 0) + sum(
                owner not in left_out for owner, _ in ours.values()
            )
            for key in sorted(ours.keys() | theirs.keys()):
                owner = (ours.get(key) or theirs[key])[0]
                if owner in left_out or ours.get(key) == theirs.get(key):
                    continue
                if key not in theirs:
                    self._add(RowKind.MISSING, table, key, owner)
                elif key not in ours:
                    self._add(RowKind.EXTRA, table, key, owner)
                else:
                    await self._altered(table, key, owner, live.versions)
        return ahead

    async def of_claims(self) -> Comparison:
        """Compares who has what, a page at a time; its rows are those of the live database."""
        found = Comparison(shown_max=self.found.shown_max)
        count = 0
        async for each, other in _claims(self._new, self._live, self._subject.foreign_holders):
            if other is None:
                found.add(_claim(RowKind.EXTRA, each))
        async for each, other in _claims(self._live, self._new, self._subject.foreign_holders):
            count += 1
            if other != each[2]:
                found.add(_claim(RowKind.MISSING if other is None else RowKind.ALTERED, each))
        found.rows["claims"] = count
        return found

    async def settle(self, names: Sequence[str]) -> None:
        """Says of aggregates that stay ahead that the new database lacks what the live one has."""
        for name in names:
            live, new = await self._page(self._live, (name,)), await self._page(self._new, (name,))
            for table in self._subject.all_tables:
                if table.name == "events":
                    for key in sorted(live.tables["events"].keys() - new.tables["events"].keys()):
                        self._add(RowKind.MISSING, table, key, name)

    async def _altered(
        self, table: TableSpec, key: str, owner: str, versions: Mapping[str, tuple[int, int]]
    ) -> None:
        columns = await self._columns(table, key, owner)
        if table.name == "streams" and columns and frozenset(columns) <= _CACHED:
            kind = await self._live.fetch_value("SELECT kind FROM streams WHERE stream_id = $1", owner)
            if versions[owner][1] != self._subject.kinds[kind].fold_version:
                self.found.outdated += 1
                return
        self._add(RowKind.ALTERED, table, key, owner, columns)

    async def _columns(self, table: TableSpec, key: str, owner: str) -> tuple[str, ...]:
        statement = _filled("column_fingerprints", table)
        sides = []
        for database in (self._live, self._new):
            rows = await database.fetch(statement, [owner])
            sides.append(next((row["digests"] for row in rows if row["key"] == key), None))
        ours, theirs = sides
        if ours is None or theirs is None:
            return ()
        return tuple(
            name for name, one, other in zip(table.columns, ours, theirs, strict=True) if one != other
        )

    def _add(
        self, kind: RowKind, table: TableSpec, key: str, owner: str, columns: tuple[str, ...] = ()
    ) -> None:
        self.found.add(RowDifference(kind=kind, table=table.name, key=key, owner=owner, columns=columns))

    async def _page(self, database: Database, names: Sequence[str]) -> _Page:
        async with (
            database.connection() as connection,
            # A command between two statements would look like a difference.
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            versions = await connection.fetch(SQL["versions_of"], list(names))
            tables = {}
            for table in self._subject.all_tables:
                rows = await connection.fetch(_filled("fingerprints", table), list(names))
                tables[table.name] = {row["key"]: (row["owner"], row["digest"]) for row in rows}
        return _Page(
            versions={row["stream_id"]: (row["version"], row["fold_version"]) for row in versions},
            tables=tables,
        )


_Claim = tuple[str, str, str]


async def _claims(
    one: Database, other: Database, but: frozenset[str]
) -> AsyncIterator[tuple[_Claim, str | None]]:
    """Kind, key and holder of every claim in one database, `but` of some, with its holder in the other."""
    after = ("", "")
    while rows := await one.fetch(SQL["claims_after"], *after, _CLAIMS_MAX):
        kinds, keys = [row["kind"] for row in rows], [row["key"] for row in rows]
        there = {
            (row["kind"], row["key"]): row["holder"]
            for row in await other.fetch(SQL["claims_named"], kinds, keys)
        }
        for row in rows:
            if row["holder"] not in but:
                key = (row["kind"], row["key"])
                yield (*key, row["holder"]), there.get(key)
        after = (kinds[-1], keys[-1])


def _claim(kind: RowKind, claim: _Claim) -> RowDifference:
    columns = ("holder",) if kind is RowKind.ALTERED else ()
    key = f"({claim[0]},{claim[1]})"
    return RowDifference(kind=kind, table="claims", key=key, owner=claim[2], columns=columns)


async def _names(database: Database, after: str) -> list[str]:
    no_kinds: list[str] = []
    rows: Sequence[Any] = await database.fetch(SQL["versions"], after, _STREAMS_MAX, no_kinds)
    return [row["stream_id"] for row in rows]


def _filled(block: str, table: TableSpec) -> str:
    """A statement on a table. Its parts are constants of this program."""
    return SQL[block].format(
        table=table.name,
        key=", ".join(table.key),
        orphan_key=", ".join(f"o.{column}" for column in table.key),
        columns=", ".join(table.columns),
        owner=table.owner,
        digests=", ".join(f"sha256(record_send(ROW({column})))" for column in table.columns),
    )
