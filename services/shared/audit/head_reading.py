"""Reads where chains end, for those that are open: one by one where they are few, else along the disk."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import chain
from typing import Any

from services.shared.audit.runs import ChainHead, HeadBlock, Runs
from services.shared.database.sql_blocks import load_blocks

_SQL = load_blocks("services.shared.audit.sql", "scan.sql")
#: Enough that a statement weighs nothing.
_PAGE_NAMES = 2_000
_PAGE_BLOCKS = 1_024
#: To look a row up takes as long as to go through so many blocks of rows.
_BLOCKS_A_ROW = 2


async def heads_of(runs: Runs, connection: Any, *, from_block: int) -> AsyncIterator[Iterator[ChainHead]]:
    """The heads of those that are open, and of others that lie between them, for `Runs.settle`.

    It begins with the rows that were written when the events of `from_block` were, so that most are found
    before all is gone through. The next ones are read while some are seen to. Raises asyncpg's errors.
    """
    blocks = await connection.fetchrow(_SQL["relations"])
    begin = blocks["streams"] * from_block // max(1, blocks["events"])
    asked: asyncio.Task[Any] | None = None
    try:
        for question in chain(_questions(runs, blocks["streams"], begin), (None,)):
            found = await asked if asked is not None else None
            asked = None
            if question is not None:
                asked = asyncio.create_task(connection.fetchrow(*question))
                # Begun, and sent: else it would begin when this one is done.
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            if found is not None:
                yield HeadBlock(*found).heads()
    finally:
        if asked is not None:
            asked.cancel()


def _questions(runs: Runs, blocks: int, begin: int) -> Iterator[tuple[Any, ...]]:
    """The statements, with what they ask for; which comes next depends on who is open by then."""
    # Whoever began beyond the last one is looked for there first.
    first, left = min(begin, max(0, blocks - 1)), blocks
    while 0 < left <= runs.open_count * _BLOCKS_A_ROW:
        end = min(first + _PAGE_BLOCKS, first + left, blocks)
        yield _SQL["all_heads"], first, end
        left -= end - first
        first = end % blocks
    if left:
        for names in named_pages(runs.open):
            yield _SQL["heads"], names


def named_pages(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """As many at a time as are asked for in one statement."""
    for begin in range(0, len(names), _PAGE_NAMES):
        yield names[begin : begin + _PAGE_NAMES]
