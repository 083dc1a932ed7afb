"""Verifies the chains of a store along the disk, each block of it read once.

The events of an aggregate lie wherever there was room when they were written. So they are hashed as they
come, and put together in memory (`Runs`) until each chain ends where its row says. Read by key instead,
every event of a store larger than the database's memory would be a block of the disk of its own.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from services.shared.audit.copied_rows import CopiedRows, CopyFormatError
from services.shared.audit.head_reading import heads_of, named_pages
from services.shared.audit.runs import EventBlock, Runs
from services.shared.audit.scan import Kinds, StoreScan, VerifiedPage
from services.shared.database.sql_blocks import load_blocks

_SQL = load_blocks("services.shared.audit.sql", "scan.sql")
#: One statement, so one snapshot, of 16 MiB; the database's old rows are kept no longer for it.
_SPAN_BLOCKS = 2_048
#: Sent off as a row of a quarter MiB, or fewer where payloads lie outside of the blocks. Smaller ones
#: cost each side more, larger ones have it ask for memory anew.
_ROW_BLOCKS = 32
#: So many that are open are asked for where they end, so that those that are whole take no room any more.
_SETTLED_AT = 100_000
#: More are not kept, but looked at when all blocks are read.
_OPEN_MAX = 500_000
#: Held in memory while they are looked at, unless one aggregate has more.
_LOOKED_AT_EVENTS = 5_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """Blocks from one up to, and without, another."""

    first_block: int
    end_block: int
    #: that are sent off together
    row_blocks: int


async def spans_of(connection: Any) -> tuple[Span, ...] | None:
    """All events there are, in order; None when nothing keeps one from being there twice."""
    if not await connection.fetchval(_SQL["is_keyed"]):
        return None
    found = await connection.fetchrow(_SQL["blocks"])
    blocks = found["blocks"]
    row_blocks = max(1, _ROW_BLOCKS // max(1, found["times"]))
    return tuple(
        Span(first_block=first, end_block=min(first + _SPAN_BLOCKS, blocks), row_blocks=row_blocks)
        for first in range(0, blocks, _SPAN_BLOCKS)
    )


class ChainWalk:
    """Walks spans of a store over a connection of its own (`SCAN_SESSION`), then sees to what is left.

    `kind` leaves the aggregates of other kinds out, and events without a row, which have none. It takes as
    much memory as aggregates are open at a time, 500,000 at most.
    """

    def __init__(self, connection: Any, *, kinds: Kinds, kind: str = "") -> None:
        self.runs = Runs()
        #: aggregates that were let go, of all kinds
        self.settled_count = 0
        self._connection = connection
        self._kind = kind
        self._scan = StoreScan(connection, kinds=kinds, kind=kind)
        self._settle_at = _SETTLED_AT
        #: where what is open began, about
        self._begun_at = 0

    async def verify(self, spans: Sequence[Span]) -> AsyncIterator[VerifiedPage]:
        """One span after the other. Raises asyncpg's errors, CopyFormatError."""
        self._begun_at = spans[0].first_block if spans else 0
        for span in spans:
            hashed = await self._read(span)
            settled = VerifiedPage()
            if len(self.runs) >= self._settle_at:
                settled = await self._settle()
                self._begun_at = span.end_block
                if len(self.runs) > _OPEN_MAX:
                    self.runs.give_up()
                self._settle_at = max(_SETTLED_AT, 2 * len(self.runs))
            yield VerifiedPage(
                aggregates_count=settled.aggregates_count,
                events_count=settled.events_count if self._kind else hashed,
            )

    async def whole(self, spans: Sequence[Span]) -> AsyncIterator[VerifiedPage]:
        """All spans, and what is left. Raises asyncpg's errors, CopyFormatError."""
        async for page in self.verify(spans):
            yield page
        async for page in self.conclude():
            yield page

    async def settle(self) -> AsyncIterator[VerifiedPage]:
        """Lets those go that are whole now. Raises asyncpg's errors."""
        settled = await self._settle()
        yield settled if self._kind else VerifiedPage(aggregates_count=settled.aggregates_count)

    async def conclude(self) -> AsyncIterator[VerifiedPage]:
        """Lets those go that are whole now, and looks at whatever is left. Raises asyncpg's errors."""
        async for page in self.settle():
            yield page
        left = sorted(self.runs.unsettled)
        aggregates = await self._connection.fetchval(_SQL["aggregates"])
        if aggregates != self.settled_count or left:
            rows = await self._connection.fetch(_SQL["eventless"])
            left = sorted({*left, *(row["stream_id"] for row in rows)})
        async for names in self._in_pages(left):
            page = await self._scan.look_at(names)
            yield VerifiedPage(
                aggregates_count=page.aggregates_count,
                # Without a kind they were counted when they were hashed.
                events_count=page.events_count if self._kind else 0,
                findings=page.findings,
            )

    async def _read(self, span: Span) -> int:
        """Hashes what has come, while the database reads and sends what follows; how many events."""
        count = 0
        is_understood = True
        copied = CopiedRows(len(EventBlock._fields))

        async def take(data: bytes) -> None:
            nonlocal count, is_understood
            for names, *rest in copied.rows(data):
                taken = self.runs.take(EventBlock(names.decode(), *rest))
                is_understood = is_understood and taken is not None
                count += taken or 0

        await self._connection.copy_from_query(
            _SQL["lying_events"],
            *(span.first_block, span.end_block, span.row_blocks),
            output=take,
            format="binary",
        )
        if not copied.is_complete:
            raise CopyFormatError("it ended before its end")
        if not is_understood:
            rows = await self._connection.fetch(_SQL["names_in"], span.first_block, span.end_block)
            self.runs.suspect(row["stream_id"] for row in rows)
        return count

    async def _in_pages(self, stream_ids: Sequence[str]) -> AsyncIterator[Sequence[str]]:
        """As many at a time as have few events together; what has no row counts as one event."""
        page: list[str] = []
        events = 0
        for names in named_pages(stream_ids):
            rows = await self._connection.fetch(_SQL["versions"], names)
            versions = {row["stream_id"]: row["version"] for row in rows}
            for name in names:
                page.append(name)
                events += versions.get(name, 1)
                if events >= _LOOKED_AT_EVENTS:
                    yield page
                    page, events = [], 0
        if page:
            yield page

    async def _settle(self) -> VerifiedPage:
        """How many of the kind were let go, and their events."""
        aggregates = events = 0
        async for heads in heads_of(self.runs, self._connection, from_block=self._begun_at):
            for _, kind, version, _ in self.runs.settle(heads):
                self.settled_count += 1
                if self._kind in ("", kind):
                    aggregates += 1
                    events += version
        return VerifiedPage(aggregates_count=aggregates, events_count=events)
