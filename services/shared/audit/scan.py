"""Verifies a store page by page, the events of many aggregates in one statement."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Any

from services.shared.audit.back_dating import SignedMoment
from services.shared.audit.chain import Finding, verify_chain
from services.shared.audit.checkpoint_store import signed_moments
from services.shared.audit.copied_rows import CopiedRows, CopyFormatError
from services.shared.audit.sieve import ChainRow, suspects
from services.shared.audit.verification import no_such_kind, orphan
from services.shared.database.sql_blocks import load_blocks
from services.shared.eventstore.aggregate import AggregateKind
from services.shared.eventstore.postgres_store import stored_event, stored_stream
from services.shared.eventstore.units import StoredEvent, StoredStream

_SQL = load_blocks("services.shared.audit.sql", "scan.sql")
#: Enough that a statement weighs nothing, few enough to stay small in memory where each is looked at.
_PAGE_EVENTS = 5_000
#: Aggregates that are hashed as they come: however many events they have, nothing of them is kept.
_HASHED_PAGE_AGGREGATES = 4_000
#: For the connection of a scan. A page is walked along its key: sorted, or gathered by hash, it costs the
#: database more, stands in its memory as a whole, and begins to come when all of it is read.
SCAN_SESSION = {
    "application_name": "tierlink-audit",
    "timezone": "UTC",
    "work_mem": "32MB",
    "jit": "off",
    "enable_sort": "off",
    "enable_hashagg": "off",
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
    """What a page came to."""

    aggregates_count: int
    events_count: int
    findings: tuple[Finding, ...]


async def pages_of(connection: Any, depth: Depth) -> tuple[Page, ...]:
    """The whole store in pages: whatever id there is, it is in one of them."""
    if depth is Depth.STATES:
        found = await connection.fetch(_SQL["pages"], _PAGE_EVENTS)
    else:
        found = await connection.fetch(_SQL["key_pages"], _HASHED_PAGE_AGGREGATES)
    ends = [row[0] for row in found]
    # Events without a row may lie after the last row.
    return tuple(
        Page(after=after, until=until) for after, until in zip(("", *ends), (*ends, ""), strict=True)
    )


async def totals(connection: Any, kind: str = "") -> tuple[int, int]:
    """How many aggregates there are, of all kinds or one, and how many events by their rows."""
    row = await connection.fetchrow(_SQL["totals"], kind)
    return row["aggregates"], row["events"]


class StoreScan:
    """Verifies pages of a store over a connection of its own (`SCAN_SESSION`).

    `kind` leaves the aggregates of other kinds out, and events without a row, which have none.
    """

    def __init__(self, connection: Any, *, depth: Depth, kinds: Kinds, kind: str = "") -> None:
        self._connection = connection
        self._depth = depth
        self._kinds = kinds
        self._kind = kind

    async def verify(self, pages: Sequence[Page]) -> AsyncIterator[VerifiedPage]:
        """One page after the other. Raises asyncpg's errors, CopyFormatError."""
        for page in pages:
            read = await self._read(page)
            looked_at = read.stream_ids if self._depth is Depth.STATES else read.suspects
            yield VerifiedPage(
                aggregates_count=read.aggregates_count,
                events_count=read.events_count,
                findings=await self._look(sorted(looked_at)) if looked_at else (),
            )

    async def _read(self, page: Page) -> "_Read":
        """Hashes what has come, while the database reads and sends what follows."""
        read = _Read()
        copied = CopiedRows(len(ChainRow._fields))

        async def take(data: bytes) -> None:
            read.take([_chain_row(row) for row in copied.rows(data)])

        await self._connection.copy_from_query(
            _SQL["chains"], page.after, page.until, self._kind, output=take, format="binary"
        )
        if not copied.is_complete:
            raise CopyFormatError("it ended before its end")
        return read

    async def _look(self, stream_ids: Sequence[str]) -> tuple[Finding, ...]:
        """Event by event; in one snapshot, so that who goes on meanwhile is not accused."""
        async with self._connection.transaction(isolation="repeatable_read", readonly=True):
            rows = await self._connection.fetch(_SQL["streams"], stream_ids)
            streams = {row["stream_id"]: stored_stream(row) for row in rows}
            rows = await self._connection.fetch(_SQL["events"], stream_ids)
            signed = await signed_moments(self._connection.fetch, stream_ids)
        found: list[Finding] = []
        events = [stored_event(row) for row in rows]
        events.sort(key=lambda event: (event.stream_id, event.version))
        chains = {name: list(chain) for name, chain in groupby(events, key=lambda event: event.stream_id)}
        for name in stream_ids:
            found += self._findings(name, streams.get(name), chains.get(name, []), signed.get(name, ()))
        return tuple(found)

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


class _Read:
    """What came of a page."""

    def __init__(self) -> None:
        self.aggregates_count = 0
        self.events_count = 0
        self.stream_ids: list[str] = []
        self.suspects: list[str] = []

    def take(self, chains: Sequence[ChainRow]) -> None:
        """Puts some of its aggregates through the sieve."""
        self.aggregates_count += sum(1 for chain in chains if chain.version)
        self.events_count += sum(chain.events_count for chain in chains)
        self.stream_ids += [chain.stream_id for chain in chains]
        self.suspects += suspects(chains)


def _chain_row(row: Sequence[bytes]) -> ChainRow:
    stream_id, kind, version, *rest = row
    return ChainRow(stream_id.decode(), kind.decode(), int.from_bytes(version, "big"), *rest)
