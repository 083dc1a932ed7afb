"""What a stream that begins will be sent of what is in Kafka already."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

from services.shared.feed.hub import Hub
from services.shared.feed.token import Positions
from services.shared.kernel.refusals import DependencyDown

_POLL_S: Final = 0.005
#: Longer than a tail needs for what came meanwhile. A stream does not wait longer for a broker that hangs.
_WITHIN_S: Final = 2.0


async def keys_coming(hub: Hub, at: Positions, ends: Callable[[], Awaitable[Positions]]) -> frozenset[str]:
    """Keys of the events from `at` on, once the hub has read up to Kafka's ends.

    Where they cannot be had in time, of those that it has read.
    """
    with contextlib.suppress(DependencyDown, TimeoutError):
        async with asyncio.timeout(_WITHIN_S):
            wanted = await ends()
            # It takes milliseconds, once a stream: not worth an event with each record that the hub reads.
            while any(hub.positions.get(each, end) < end for each, end in wanted.items()):  # noqa: ASYNC110
                await asyncio.sleep(_POLL_S)
    return hub.keys_since(at)
