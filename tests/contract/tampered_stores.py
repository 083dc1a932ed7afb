"""Stores that somebody with the password tampered with: what was done, and what must be said of it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import asyncpg

from services.shared.audit.back_dating import BACK_DATING_TOLERANCE
from services.shared.audit.chain_walk import ChainWalk, spans_of
from services.shared.audit.checkpoint import Checkpoint, Head, back_dated, contradictions
from services.shared.audit.checkpoint_methods import signing_with
from services.shared.audit.checkpoint_store import CheckpointOrder, CheckpointStore
from services.shared.audit.scan import SCAN_SESSION, Depth, StoreScan, VerifiedPage, pages_of
from services.shared.audit.verification import verify_store
from services.shared.database.pool import Database
from services.shared.eventstore.aggregate import Loaded, absent, advance, change_of
from services.shared.eventstore.postgres_store import PostgresEventStore
from services.shared.eventstore.units import AppendUnit
from services.shared.rpc.signing import generate_signing_key
from tests.doubles.parcel import PARCEL, Moved, context

_SIGN = signing_with(generate_signing_key())


@dataclass(frozen=True, kw_only=True)
class Archive:
    """A store with parcels `p/0` … `p/6`, of five moves each, and what is done to it."""

    database: Database
    store: PostgresEventStore
    checkpoints: CheckpointStore

    async def move(self, parcel: str, count: int, *, minutes: int = 0) -> None:
        """Moves a parcel, with right hashes, at so many minutes after the others moved."""
        stored = await self.store.load(parcel)
        at: Loaded[Any] = absent(PARCEL, parcel)
        if stored is not None:
            at = Loaded(
                stream_id=parcel,
                version=stored.version,
                head_hash=stored.head_hash,
                state=PARCEL.decode_state(stored.snapshot),
            )
        for number in range(at.version, at.version + count):
            step = advance(
                PARCEL, at, [Moved(to=f"{parcel}-{number}")], context(f"{parcel}-{number}", minutes=minutes)
            )
            await self.store.append(AppendUnit(changes=(change_of(PARCEL, at, step.after, step.events),)))
            at = step.after

    async def sign(
        self,
        request: str = "c1",
        *,
        expected: int | None = None,
        digest: bytes = b"d",
        minutes: int = 0,
        accept_back_dated: bool = False,
    ) -> Checkpoint:
        order = CheckpointOrder(
            context=context(request, expected_version=expected, minutes=minutes),
            digest=digest,
            accept_back_dated=accept_back_dated,
        )
        return await self.checkpoints.make(order, _SIGN)

    async def scanned(self, depth: Depth) -> set[tuple[str, int, str]]:
        """Everything that a scan of the whole store finds."""
        connection = await asyncpg.connect(self.database.dsn, server_settings=SCAN_SESSION)
        try:
            return {
                (finding.aggregate_id, finding.version, finding.code.value)
                async for page in await verified_pages(connection, depth)
                for finding in page.findings
            }
        finally:
            await connection.close()

    async def verified(self) -> set[tuple[str, int, str]]:
        """Everything that the verification of one aggregate after the other finds."""
        return {
            (finding.aggregate_id, finding.version, finding.code.value)
            async for verified in verify_store(
                self.store, {"parcel": PARCEL}, signed=self.checkpoints.signed_moments
            )
            for finding in verified.findings
        }

    async def accused(self, kept: list[Head]) -> set[tuple[str, int, str]]:
        """Everything that is found, by verification and against the kept heads."""
        found = await self.verified()
        against = contradictions(kept, await self.checkpoints.links(kept))
        return found | {(each.aggregate_id, each.version, each.code.value) for each in against}

    async def back_dated(self, made: Checkpoint, kept: list[Head]) -> set[tuple[str, int, str]]:
        """What a checkpoint kept elsewhere shows of moments, whatever became of the store's own."""
        recorded = await self.checkpoints.recorded_before(
            made.statement.made_at - BACK_DATING_TOLERANCE, aggregate_id="", after="", limit=100
        )
        return {
            (each.aggregate_id, each.version, each.description)
            for each in back_dated(made.statement, kept, recorded)
        }


async def verified_pages(connection: Any, depth: Depth) -> AsyncIterator[VerifiedPage]:
    """The whole store at a depth, as a process of the service verifies it."""
    kinds = lambda: {"parcel": PARCEL}  # noqa: E731
    spans = await spans_of(connection) if depth is Depth.CHAINS else None
    if spans is None:
        return StoreScan(connection, kinds=kinds).verify(await pages_of(connection))
    return ChainWalk(connection, kinds=kinds).whole(spans)


_ROW_OF_3 = """
    UPDATE streams s SET version = e.version, head_hash = e.hash FROM events e
    WHERE s.stream_id = 'p/3' AND e.stream_id = 'p/3' AND e.version = 3
"""
_TAIL = "DELETE FROM events WHERE stream_id = 'p/3' AND version > 3"

#: What is done, and what must be among the findings.
CORPUS: dict[str, tuple[tuple[str, ...], tuple[str, int, str]]] = {
    "altered byte": (
        ("UPDATE events SET payload = set_byte(payload, 40, 1) WHERE stream_id = 'p/3' AND version = 2",),
        ("p/3", 2, "HASH_MISMATCH"),
    ),
    "removed tail": ((_TAIL,), ("p/3", 5, "CHAIN_CUT")),
    "removed tail, row set back": ((_ROW_OF_3, _TAIL), ("p/3", 5, "ROLLED_BACK")),
    "swapped pair": (
        (
            "UPDATE events SET version = 102 WHERE stream_id = 'p/3' AND version = 2",
            "UPDATE events SET version = 2 WHERE stream_id = 'p/3' AND version = 3",
            "UPDATE events SET version = 3 WHERE stream_id = 'p/3' AND version = 102",
        ),
        ("p/3", 2, "CHAIN_BROKEN"),
    ),
    "deleted middle": (
        ("DELETE FROM events WHERE stream_id = 'p/3' AND version = 3",),
        ("p/3", 3, "MISSING_EVENT"),
    ),
    "inserted event": (
        (
            "INSERT INTO events "
            "SELECT stream_id, 6, gen_random_uuid(), type, recorded_at, hash, hash, payload FROM events "
            " WHERE stream_id = 'p/3' AND version = 5",
        ),
        ("p/3", 6, "UNKNOWN_EVENT"),
    ),
    "back-dated event": (
        (
            "UPDATE events SET recorded_at = recorded_at - interval '1 day' "
            "WHERE stream_id = 'p/3' AND version = 4",
        ),
        ("p/3", 4, "COLUMN_MISMATCH"),
    ),
    "row removed": (("DELETE FROM streams WHERE stream_id = 'p/3'",), ("p/3", 5, "AGGREGATE_MISSING")),
    "aggregate removed whole": (
        ("DELETE FROM streams WHERE stream_id = 'p/3'", "DELETE FROM events WHERE stream_id = 'p/3'"),
        ("p/3", 5, "AGGREGATE_MISSING"),
    ),
    "everything removed": (("TRUNCATE streams, events",), ("p/6", 5, "AGGREGATE_MISSING")),
}  # fmt: skip


#: What leaves every chain whole as it is written, and is seen against the checkpoint alone.
WHOLE = ("aggregate removed whole", "everything removed")
#: What leaves the chains whole, and is seen in a column or in the state.
WHOLE_CHAINS = ("back-dated event", "removed tail, row set back", *WHOLE)


def _altered(column: str, value: str) -> tuple[str, ...]:
    return (f"UPDATE events SET {column} = {value} WHERE stream_id = 'p/3' AND version = 3",)


#: What is done to a single column, and what must be among the findings; whether chains alone show it.
COLUMNS: dict[str, tuple[tuple[str, ...], tuple[str, int, str], bool]] = {
    "stream_id": (_altered("stream_id", "'p/9'"), ("p/3", 3, "MISSING_EVENT"), True),
    "version": (_altered("version", "30"), ("p/3", 3, "MISSING_EVENT"), True),
    "event_id": (_altered("event_id", "gen_random_uuid()"), ("p/3", 3, "COLUMN_MISMATCH"), False),
    "type": (_altered("type", "'Lost'"), ("p/3", 3, "COLUMN_MISMATCH"), False),
    "recorded_at": (_altered("recorded_at", "now()"), ("p/3", 3, "COLUMN_MISMATCH"), False),
    "previous_hash": (_altered("previous_hash", "hash"), ("p/3", 3, "CHAIN_BROKEN"), True),
    "hash": (_altered("hash", "previous_hash"), ("p/3", 3, "HASH_MISMATCH"), True),
    "payload": (_altered("payload", "payload || '\\x00'"), ("p/3", 3, "HASH_MISMATCH"), True),
    "row's version": (
        ("UPDATE streams SET version = 4 WHERE stream_id = 'p/3'",), ("p/3", 5, "UNKNOWN_EVENT"), True
    ),
    "row's head": (
        ("UPDATE streams SET head_hash = sha256(head_hash) WHERE stream_id = 'p/3'",),
        ("p/3", 0, "HEAD_MISMATCH"),
        True,
    ),
    "row's kind": (
        ("UPDATE streams SET kind = 'ghost' WHERE stream_id = 'p/3'",), ("p/3", 0, "UNREADABLE_EVENT"), True
    ),
    "row's state": (
        ("UPDATE streams SET snapshot = snapshot || '\\x00' WHERE stream_id = 'p/3'",),
        ("p/3", 0, "STATE_MISMATCH"),
        False,
    ),
}  # fmt: skip
