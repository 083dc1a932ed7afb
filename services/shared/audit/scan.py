"""Verifies a store page by page, the events of many aggregates in one statement."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Any

from services.shared.audit.back_dating import SignedMoment
from services.shared.audit.chain import Finding, verify_chain
from services.shared.audit.checkpoint_store import signed_moments
from services.shared.audit.verification import no_such_kind, orphan
from services.shared.database.sql_blocks import load_blocks
from services.shared.eventstore.aggregate import AggregateKind
from services.shared.eventstore.postgres_store import stored_event, stored_stream
from services.shared.eventstore.units import StoredEvent, StoredStream

_SQL = load_blocks("services.shared.audit.sql", "scan.sql")
#: Enough that a statement weighs nothing, few enough to stay small in memory where each is looked at.
_PAGE_EVENTS = 5_000
#: For the connection of a scan.
SCAN_SESSION = {
    "application_name": "tierlink-audit",
    "timezone": "UTC",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
}

#: The kinds of aggregates, made when they are first needed: most stores have nothing to look at twice.
Kinds = Callable[[], Mapping[str, AggregateKind[Any, Any]]]


class Depth(StrEnum):
    """How much is verified."""

    #: bytes, links, versions and heads
    CHAINS = "CHAINS"
    #: these, what each column says beside the bytes, and that the state is the fold of the events
    STATES = "STATES"


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """Aggregates after one id, up to another; empty ids are the store's ends."""

    after: str
    until: str


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifiedPage:
    """What a page came to, or what is new since the one before."""

    aggregates_count: int = 0
    events_count: int = 0
    findings: tuple[Finding, ...] = ()


async def pages_of(connection: Any) -> tuple[Page, ...]:
    """The whole store in pages: whatever id there is, it is in one of them."""
    ends = [row[0] for row in await connection.fetch(_SQL["pages"], _PAGE_EVENTS)]
    # Events without a row may lie after the last row.
    return tuple(
        Page(after=after, until=until) for after, until in zip(("", *ends), (*ends, ""), strict=True)
    )


async def totals(connection: Any, kind: str = "") -> tuple[int, int]:
    """How many aggregates there are, of all kinds or one, and how many events by their rows."""
    row = await connection.fetchrow(_SQL["totals"], kind)
    return row["aggregates"], row["events"]


class StoreScan:
    """Looks at each event of pages of a store over a connection of its own (`SCAN_SESSION`).

    `kind` leaves the aggregates of other kinds out, and events without a row, which have none.
    """

    def __init__(self, connection: Any, *, kinds: Kinds, kind: str = "") -> None:
        self._connection = connection
        self._kinds = kinds
        self._kind = kind

    async def verify(self, pages: Sequence[Page]) -> AsyncIterator[VerifiedPage]:
        """One page after the other. Raises asyncpg's errors."""
        for page in pages:
            rows = await self._connection.fetch(_SQL["names"], page.after, page.until, self._kind)
            yield await self.look_at(sorted(row["stream_id"] for row in rows))

    async def look_at(self, stream_ids: Sequence[str]) -> VerifiedPage:
        """Event by event; in one snapshot, so that who goes on meanwhile is not accused."""
        async with self._connection.transaction(isolation="repeatable_read", readonly=True):
            rows = await self._connection.fetch(_SQL["streams"], stream_ids)
            streams = {row["stream_id"]: stored_stream(row) for row in rows}
            rows = await self._connection.fetch(_SQL["events"], stream_ids)
            signed = await signed_moments(self._connection.fetch, stream_ids)
        events = [stored_event(row) for row in rows]
        events.sort(key=lambda event: (event.stream_id, event.version))
        chains = {name: list(chain) for name, chain in groupby(events, key=lambda event: event.stream_id)}
        found: list[Finding] = []
        aggregates = looked_at = 0
        for name in stream_ids:
            stream, chain = streams.get(name), chains.get(name, [])
            if self._kind and (stream is None or stream.kind != self._kind):
                continue
            aggregates += stream is not None
            looked_at += len(chain)
            found += self._findings(name, stream, chain, signed.get(name, ()))
        return VerifiedPage(aggregates_count=aggregates, events_count=looked_at, findings=tuple(found))

    def _findings(
        self,
        name: str,
        stream: StoredStream | None,
        events: Sequence[StoredEvent],
        signed: Sequence[SignedMoment],
    ) -> Sequence[Finding]:
        if stream is None:
            # Gone with all its events since the page was read, it is nobody's to accuse.
            return [orphan(name)] if events else []
        kind = self._kinds().get(stream.kind)
        return [no_such_kind(stream)] if kind is None else verify_chain(kind, stream, events, signed)
