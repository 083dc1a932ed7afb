"""The event store on PostgreSQL."""

import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import asyncpg
import orjson
import structlog

from services.shared.database.pool import OUTAGE, Database
from services.shared.database.sql_blocks import load_blocks
from services.shared.eventstore.batching import Batcher
from services.shared.eventstore.standings import Standings
from services.shared.eventstore.store import StreamPage, StreamQuery
from services.shared.eventstore.units import (
    AppendResult,
    AppendStatus,
    AppendUnit,
    Claim,
    Document,
    RequestRecord,
    Standing,
    StoredEvent,
    StoredStream,
)
from services.shared.kernel.refusals import DependencyDown

_log = structlog.get_logger(__name__)
_SQL = load_blocks("services.shared.eventstore.sql", "event_store.sql")

#: Outbox shards: the unit of a relay's lease. Fixed for a database's life, for order hangs on it.
SHARDS = 8

#: What comes within a moment shares a statement, waits with it and asks for the next at once: one at a time
#: had service and database idle in turns. Three of eight or more are a quarter more commands a second.
_GATHERING_S = 0.003
_CROWD_MIN = 8
APPEND_CONNECTIONS = 3

#: The batch joins a few rows with indexed tables: a plan made while those are empty must not scan.
APPEND_SESSION = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}


def shard_of(key: str) -> int:
    """The outbox shard of an aggregate: one aggregate, one shard, so that its events keep their order."""
    return zlib.crc32(key.encode()) % SHARDS


class PostgresEventStore:
    """Implements `EventStore`. Concurrent appends are gathered into one statement, and loads into another."""

    def __init__(
        self,
        reading: Database,
        appending: Database,
        *,
        on_appended: Callable[[tuple[AppendUnit, ...]], None] = lambda units: None,
        batch_max: int = 64,
        queue_max: int = 4096,
    ) -> None:
        self._reading = reading
        self._appending = appending
        self._on_appended = on_appended
        self._batcher: Batcher[AppendUnit, AppendResult] = Batcher(
            self._append_batch,
            batch_max=batch_max,
            queue_max=queue_max,
            name="append",
            gathering_s=_GATHERING_S,
            crowd_min=_CROWD_MIN,
            flights_max=APPEND_CONNECTIONS,
        )
        self._loads: Batcher[str, StoredStream | None] = Batcher(
            self._load_batch, batch_max=batch_max, queue_max=queue_max, name="load"
        )
        self._standings = Standings(reading, batch_max=batch_max, queue_max=queue_max)

    async def close(self) -> None:
        await self._batcher.close()
        await self._loads.close()
        await self._standings.close()

    async def append(self, unit: AppendUnit) -> AppendResult:
        """Raises Overloaded when too many units wait, DependencyDown when the outcome is unknown."""
        return await self._batcher.submit(unit)

    async def _append_batch(self, units: Sequence[AppendUnit]) -> Sequence[AppendResult | Exception]:
        try:
            results = await self._append_statement(units)
        except DependencyDown:
            raise
        except Exception as error:
            if len(units) > 1:
                # One of them collides with what another process has just written, or cannot be written
                # at all: each on its own then, so that it fails alone.
                return [(await self._append_batch([unit]))[0] for unit in units]
            if isinstance(error, asyncpg.UniqueViolationError):
                return [await self._explain_collision(units[0], error)]
            return [error]
        appended = tuple(
            unit
            for unit, result in zip(units, results, strict=True)
            if result.status is AppendStatus.APPENDED
        )
        if appended:
            self._on_appended(appended)
        return results

    async def _append_statement(self, units: Sequence[AppendUnit]) -> list[AppendResult]:
        arguments = _rows(units)
        async with self._appending.connection() as connection:
            try:
                rows = await connection.fetch(_SQL["append_units"], *arguments)
            except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError) as error:
                raise DependencyDown("postgresql", "the database undid the command; try again") from error
            except OUTAGE as error:
                _log.warning("append_outcome_unknown", error=type(error).__name__, units=len(units))
                raise
        return [_result(row) for row in rows]

    async def _explain_collision(
        self, unit: AppendUnit, error: asyncpg.UniqueViolationError
    ) -> AppendResult | Exception:
        """A unique index refused a single unit: says which rule that was."""
        if error.table_name == "claims":
            return AppendResult(status=AppendStatus.CLAIMED)
        if error.table_name == "requests" and unit.request is not None:
            known = await self.find_request(unit.request.request_id)
            return AppendResult(status=AppendStatus.REPEATED, request=known)
        if error.table_name == "inbox":
            return AppendResult(status=AppendStatus.SEEN)
        return AppendResult(status=AppendStatus.STALE)

    async def load(self, stream_id: str) -> StoredStream | None:
        return await self._loads.submit(stream_id)

    async def _load_batch(self, stream_ids: Sequence[str]) -> Sequence[StoredStream | None]:
        rows = await self._reading.fetch_for_caller(_SQL["load_streams"], stream_ids)
        found = {row["stream_id"]: stored_stream(row) for row in rows}
        return [found.get(stream_id) for stream_id in stream_ids]

    async def read_events(
        self, stream_id: str, *, after_version: int = 0, limit: int = 1000
    ) -> Sequence[StoredEvent]:
        rows = await self._reading.fetch_for_caller(_SQL["read_events"], stream_id, after_version, limit)
        return [stored_event(row) for row in rows]

    async def standing(self, request_id: str, stream_ids: Sequence[str]) -> Standing:
        return await self._standings.of(request_id, stream_ids)

    async def find_request(self, request_id: str) -> RequestRecord | None:
        return (await self._standings.of(request_id, ())).request

    async def find(self, query: StreamQuery) -> StreamPage:
        contains, parties = query.contains, query.parties
        if parties is not None and len(parties) == 1:
            # The common case, one facility, is a containment that the index knows.
            contains, parties = {**contains, "parties": list(parties)}, None
        rows = await self._reading.fetch_for_caller(
            _SQL["find_streams"],
            query.kind,
            orjson.dumps(contains).decode(),
            list(query.states),
            query.after,
            query.limit + 1,
            None if parties is None else list(parties),
        )
        page = rows[: query.limit]
        more = len(rows) > query.limit
        return StreamPage(
            streams=tuple(stored_stream(row) for row in page),
            next_after=page[-1]["changed"] if more else None,
        )

    async def find_any(self, kind: str, wanted: Sequence[Mapping[str, object]]) -> Sequence[StoredStream]:
        facets = [orjson.dumps(each).decode() for each in wanted]
        rows = await self._reading.fetch_for_caller(_SQL["find_any"], kind, facets)
        return [stored_stream(row) for row in rows]

    async def find_claim(self, kind: str, key: str) -> str | None:
        rows = await self._reading.fetch_for_caller(_SQL["find_claim"], kind, key)
        return str(rows[0][0]) if rows else None

    async def claims_of(self, holder: str) -> Sequence[Claim]:
        rows = await self._reading.fetch_for_caller(_SQL["claims_of"], holder)
        return [Claim(kind=row["kind"], key=row["key"], holder=row["holder"]) for row in rows]

    async def load_document(self, kind: str, key: str) -> Document | None:
        rows = await self._reading.fetch_for_caller(_SQL["load_document"], kind, key)
        return Document(**rows[0]) if rows else None

    async def list_documents(self, kind: str, *, after_key: str, limit: int) -> Sequence[Document]:
        rows = await self._reading.fetch(_SQL["list_documents"], kind, after_key, limit)
        return [Document(**row) for row in rows]

    async def scan(self, *, kind: str, after_stream_id: str, limit: int) -> Sequence[StoredStream]:
        rows = await self._reading.fetch(_SQL["scan_streams"], kind, after_stream_id, limit)
        return [stored_stream(row) for row in rows]

    async def orphans(self, limit: int = 1000) -> tuple[str, ...]:
        """Aggregates that have events but no row: somebody deleted it."""
        rows = await self._reading.fetch(_SQL["orphan_events"], limit)
        return tuple(row["stream_id"] for row in rows)


_Rows = list[tuple[Any, ...]]


def _rows(units: Sequence[AppendUnit]) -> tuple[_Rows, ...]:
    heads: _Rows = []
    changes: _Rows = []
    events: _Rows = []
    messages: _Rows = []
    set_: _Rows = []
    cleared: _Rows = []
    taken: _Rows = []
    given_up: _Rows = []
    documents: _Rows = []
    for index, unit in enumerate(units):
        request, inbox = unit.request, unit.inbox
        heads.append(
            (
                index,
                *((None,) * 4 if request is None else (
                    request.request_id, request.digest, request.stream_id, request.version
                )),
                *((None,) * 3 if inbox is None else (inbox.source, inbox.aggregate_id, inbox.version)),
            )
        )  # fmt: skip
        for c in unit.changes:
            changes.append(
                (index, c.stream_id, c.kind, c.expected_version, c.new_version, c.head_hash, c.snapshot,
                 c.fold_version, c.facets)
            )  # fmt: skip
            events.extend(
                (index, c.stream_id, e.version, e.event_id, e.type, e.recorded_at, e.previous_hash, e.hash,
                 e.payload)
                for e in c.events
            )  # fmt: skip
            set_.extend((index, c.stream_id, d.key, c.kind, d.due_at, c.new_version) for d in c.deadlines_set)
            cleared.extend((index, c.stream_id, key, None, None, None) for key in c.deadlines_cleared)
            taken.extend((index, k.kind, k.key, k.holder) for k in c.claims_taken)
            given_up.extend((index, k.kind, k.key, k.holder) for k in c.claims_given_up)
        changes.extend(
            (index, g.stream_id, "", g.version, g.version, None, None, None, None) for g in unit.guards
        )
        taken.extend((index, k.kind, k.key, k.holder) for k in unit.claims)
        documents.extend((index, d.kind, d.key, d.version, d.value) for d in unit.documents)
        messages.extend(
            (index, shard_of(m.key), m.topic, m.key, m.version, m.value, m.event_id, m.type, m.recorded_at,
             m.traceparent)
            for m in unit.messages
        )  # fmt: skip
    return heads, changes, events, messages, set_, cleared, taken, given_up, documents


def _result(row: Any) -> AppendResult:
    status = AppendStatus(row["status"])
    if status is not AppendStatus.REPEATED:
        return AppendResult(status=status)
    return AppendResult(
        status=status,
        request=RequestRecord(
            request_id="", digest=row["digest"], stream_id=row["stream_id"], version=row["version"]
        ),
    )


def stored_stream(row: Any) -> StoredStream:
    """An aggregate from a row of `streams`."""
    return StoredStream(
        stream_id=row["stream_id"],
        kind=row["kind"],
        version=row["version"],
        head_hash=row["head_hash"],
        snapshot=row["snapshot"],
        fold_version=row["fold_version"],
    )


def stored_event(row: Any) -> StoredEvent:
    """An event from a row of `events`."""
    return StoredEvent(
        stream_id=row["stream_id"],
        version=row["version"],
        event_id=str(row["event_id"]),
        type=row["type"],
        recorded_at=row["recorded_at"],
        previous_hash=row["previous_hash"],
        hash=row["hash"],
        payload=row["payload"],
    )
