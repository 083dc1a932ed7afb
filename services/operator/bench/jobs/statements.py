"""The same command as four statements in a transaction, behind the same bare server.

It reads the request and writes the rows that the service writes for it, as large and as many. What it leaves
out (credentials, validation, decisions, encoding) is in its favour.
"""

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from services.operator.bench.jobs.bare_server import Answer
from services.operator.bench.rows import WrittenCommand, WrittenStream
from services.operator.rpc.methods import rpc_methods
from services.shared.eventstore.postgres_store import shard_of

#: As many as the service has for reading and writing together.
_CONNECTIONS_MAX = 10

_LOCK = (
    "SELECT stream_id, version FROM streams WHERE stream_id = ANY ($1::text[]) ORDER BY stream_id FOR UPDATE"
)
_EVENTS = """
WITH asked AS (INSERT INTO requests VALUES ($1, $2, $3, $4))
INSERT INTO events (stream_id, version, event_id, type, recorded_at, previous_hash, hash, payload)
SELECT n.stream_id, n.version, n.event_id, n.type, $5, $6, $6, n.payload
FROM unnest($7::text[], $8::bigint[], $9::uuid[], $10::text[], $11::bytea[])
     AS n (stream_id, version, event_id, type, payload)
"""
_OUTBOX = """
INSERT INTO outbox (shard, topic, key, version, value, event_id, type, recorded_at, traceparent)
SELECT n.shard, 'tierlink.bench.v1', n.key, n.version, n.value, n.event_id, n.type, $1, $2
FROM unnest($3::smallint[], $4::text[], $5::bigint[], $6::bytea[], $7::uuid[], $8::text[])
     AS n (shard, key, version, value, event_id, type)
"""
_NEW_STREAMS = """
INSERT INTO streams (stream_id, kind, version, head_hash, snapshot, fold_version, facets, changed)
SELECT n.stream_id, n.kind, n.version, $1, n.snapshot, 1, n.facets::jsonb, nextval('streams_changed')
FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bytea[], $6::text[])
     AS n (stream_id, kind, version, snapshot, facets)
"""
_MOVED_STREAMS = """
UPDATE streams s
SET version = n.version, head_hash = $1, snapshot = n.snapshot, facets = n.facets::jsonb,
    changed = nextval('streams_changed')
FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bytea[], $6::text[])
     AS n (stream_id, kind, version, snapshot, facets)
WHERE s.stream_id = n.stream_id
"""
_TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


class StatementCommands:
    """Carries commands out by four statements each."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    async def close(self) -> None:
        await self._pool.close()

    def answer(self, written: WrittenCommand, reply: bytes, referral: bytes) -> Answer:
        """The handler of one method. `reply` is the service's own, about `referral`."""
        request_type = rpc_methods()[written.path.rpartition("/")[2]].request_type
        contents = [_contents(stream) for stream in written.streams]

        async def answer(data: bytes, _context: Any) -> bytes:
            request: Any = request_type.FromString(data)
            life = request.request_id if written.is_new else request.name.partition("/")[2]
            await self._write(written, contents, request.request_id, life, data)
            return reply.replace(referral, f"referrals/{life}".encode())

        return answer

    async def _write(
        self,
        written: WrittenCommand,
        contents: Sequence[tuple[bytes, Sequence[bytes]]],
        request_id: str,
        life: str,
        data: bytes,
    ) -> None:
        names = [f"{stream.collection}/{life}" for stream in written.streams]
        digest, now = sha256(data).digest(), datetime.now(UTC)
        async with self._pool.acquire() as connection, connection.transaction():
            locked = await connection.fetch(_LOCK, names)
            versions = {row["stream_id"]: row["version"] for row in locked}
            streams: list[tuple[Any, ...]] = []
            events: list[tuple[Any, ...]] = []
            for name, stream, (snapshot, payloads) in zip(names, written.streams, contents, strict=True):
                first = versions.get(name, 0) + 1
                events.extend(
                    (name, version, uuid4(), type_, payload)
                    for version, (type_, payload) in enumerate(
                        zip(stream.event_types, payloads, strict=True), start=first
                    )
                )
                streams.append((name, stream.kind, first + len(payloads) - 1, snapshot, stream.facets))
            ids, numbers, event_ids, types, values = (list(column) for column in zip(*events, strict=True))
            await connection.execute(
                _EVENTS,
                UUID(request_id),
                digest,
                names[0],
                1,
                now,
                digest,
                ids,
                numbers,
                event_ids,
                types,
                values,
            )
            shards = [shard_of(name) for name in ids]
            await connection.execute(
                _OUTBOX, now, _TRACEPARENT, shards, ids, numbers, values, event_ids, types
            )
            moved = _NEW_STREAMS if written.is_new else _MOVED_STREAMS
            await connection.execute(moved, digest, *(list(column) for column in zip(*streams, strict=True)))


def _contents(stream: WrittenStream) -> tuple[bytes, Sequence[bytes]]:
    """A snapshot and payloads of the right sizes."""
    snapshot = os.urandom(stream.snapshot_size_bytes)
    return snapshot, [os.urandom(size) for size in stream.payload_sizes_bytes]


async def statement_answers(
    dsn: str, written: Sequence[WrittenCommand], replies: Mapping[str, bytes], referral: bytes
) -> tuple[StatementCommands, dict[str, Answer]]:
    """A handler for each command, and what is to be closed after them."""
    pool = await asyncpg.create_pool(dsn, min_size=_CONNECTIONS_MAX, max_size=_CONNECTIONS_MAX)
    commands = StatementCommands(pool)
    answers = {each.path: commands.answer(each, replies[each.path], referral) for each in written}
    return commands, answers
