"""Contexts entered at once and left at once: processes that need not wait for each other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TypeVar

Entered = TypeVar("Entered")


@asynccontextmanager
async def together(*contexts: AbstractAsyncContextManager[Entered]) -> AsyncIterator[list[Entered]]:
    """What each gives, in their order. Raises what the first of them raised that could not be entered.

    All are left in any case, each without being told of an error of the block.
    """
    exits = [AsyncExitStack() for _ in contexts]
    try:
        entered = await asyncio.gather(
            *(exit_.enter_async_context(each) for exit_, each in zip(exits, contexts, strict=True)),
            # Whoever is still starting when another one fails must be known before all are left.
            return_exceptions=True,
        )
        found: list[Entered] = []
        for each in entered:
            if isinstance(each, BaseException):
                raise each
            found.append(each)
        yield found
    finally:
        await asyncio.gather(*(exit_.aclose() for exit_ in exits))
