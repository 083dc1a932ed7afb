"""The baseline of the event store: the referral service, each command four statements in a transaction.

`python -m services.operator.bench.four_statements` in place of `python -m services.referral`.
"""

import runpy
from typing import Any

from services.shared.eventstore.postgres_store import PostgresEventStore, shard_of
from services.shared.eventstore.units import AppendResult, AppendStatus, AppendUnit, StreamChange
from services.shared.lifecycle import foundation

_LOCK = (
    "SELECT stream_id, version FROM streams WHERE stream_id = ANY ($1::text[]) ORDER BY stream_id FOR UPDATE"
)
_EVENTS = """
WITH asked AS (
    INSERT INTO requests (request_id, digest, stream_id, version)
    SELECT $1, $2, $3, $4 WHERE $1::uuid IS NOT NULL
)
INSERT INTO events (stream_id, version, event_id, type, recorded_at, previous_hash, hash, payload)
SELECT * FROM unnest($5::text[], $6::bigint[], $7::uuid[], $8::text[], $9::timestamptz[], $10::bytea[],
                     $11::bytea[], $12::bytea[])
"""
_OUTBOX = """
INSERT INTO outbox (shard, topic, key, version, value, event_id, type, recorded_at, traceparent)
SELECT * FROM unnest($1::smallint[], $2::text[], $3::text[], $4::bigint[], $5::bytea[], $6::uuid[],
                     $7::text[], $8::timestamptz[], $9::text[])
"""
_STREAMS = """
WITH cleared AS (
    DELETE FROM deadlines d USING unnest($9::text[], $10::text[]) AS x (stream_id, key)
    WHERE d.stream_id = x.stream_id AND d.key = x.key
),
due AS (
    INSERT INTO deadlines (stream_id, kind, set_version, key, due_at)
    SELECT * FROM unnest($11::text[], $12::text[], $13::bigint[], $14::text[], $15::timestamptz[])
    ON CONFLICT (stream_id, key) DO UPDATE SET due_at = excluded.due_at, set_version = excluded.set_version
)
INSERT INTO streams (stream_id, kind, version, head_hash, snapshot, fold_version, facets, changed)
SELECT n.stream_id, n.kind, n.version, n.head_hash, n.snapshot, $7, n.facets::jsonb, nextval($8)
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bytea[], $5::bytea[], $6::text[])
     AS n (stream_id, kind, version, head_hash, snapshot, facets)
ON CONFLICT (stream_id) DO UPDATE
SET version = excluded.version, head_hash = excluded.head_hash, snapshot = excluded.snapshot,
    facets = excluded.facets, changed = excluded.changed
"""


class FourStatementStore(PostgresEventStore):
    """Carries each command out alone. For commands only: it knows no inbox, claims or documents."""

    async def append(self, unit: AppendUnit) -> AppendResult:
        names = [change.stream_id for change in unit.changes]
        async with self._reading.connection() as connection, connection.transaction():
            locked = {row["stream_id"]: row["version"] for row in await connection.fetch(_LOCK, names)}
            if any(locked.get(each.stream_id, 0) != each.expected_version for each in unit.changes):
                return AppendResult(status=AppendStatus.STALE)
            await connection.execute(_EVENTS, *_request(unit), *_columns(_event_rows(unit), 8))
            await connection.execute(_OUTBOX, *_columns(_message_rows(unit), 9))
            await connection.execute(
                _STREAMS,
                *_columns(_stream_rows(unit), 6),
                unit.changes[0].fold_version,
                "streams_changed",
                *_columns([(c.stream_id, key) for c in unit.changes for key in c.deadlines_cleared], 2),
                *_columns([row for change in unit.changes for row in _deadline_rows(change)], 5),
            )
        self._on_appended((unit,))
        return AppendResult(status=AppendStatus.APPENDED)


def _request(unit: AppendUnit) -> tuple[Any, ...]:
    request = unit.request
    if request is None:
        return None, None, None, None
    return request.request_id, request.digest, request.stream_id, request.version


def _event_rows(unit: AppendUnit) -> list[tuple[Any, ...]]:
    return [
        (c.stream_id, e.version, e.event_id, e.type, e.recorded_at, e.previous_hash, e.hash, e.payload)
        for c in unit.changes
        for e in c.events
    ]


def _message_rows(unit: AppendUnit) -> list[tuple[Any, ...]]:
    return [
        (
            shard_of(m.key),
            m.topic,
            m.key,
            m.version,
            m.value,
            m.event_id,
            m.type,
            m.recorded_at,
            m.traceparent,
        )
        for m in unit.messages
    ]


def _stream_rows(unit: AppendUnit) -> list[tuple[Any, ...]]:
    return [(c.stream_id, c.kind, c.new_version, c.head_hash, c.snapshot, c.facets) for c in unit.changes]


def _deadline_rows(change: StreamChange) -> list[tuple[Any, ...]]:
    return [
        (change.stream_id, change.kind, change.new_version, d.key, d.due_at) for d in change.deadlines_set
    ]


def _columns(rows: list[tuple[Any, ...]], count: int) -> list[list[Any]]:
    """The rows turned on their side, for `unnest`."""
    return [[row[number] for row in rows] for number in range(count)]


def main() -> None:
    """Runs the service's own program with this store in the place of its own."""
    vars(foundation)["PostgresEventStore"] = FourStatementStore
    runpy.run_module("services.referral", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
