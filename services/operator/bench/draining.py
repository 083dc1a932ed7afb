"""Waiting until what a round left behind is done."""

import asyncio
import time
from collections.abc import Iterable

import asyncpg

from services.operator.bench.worker_process import BenchFailed

_DRAIN_TIMEOUT_S = 120.0
_LOOK_S = 0.05


async def drained(dsns: Iterable[str]) -> None:
    """Returns when the relays of these databases have published everything. Raises BenchFailed."""
    deadline_s = time.monotonic() + _DRAIN_TIMEOUT_S
    for dsn in dsns:
        connection = await asyncpg.connect(dsn)
        try:
            while await connection.fetchval("SELECT EXISTS (SELECT FROM outbox)"):
                if time.monotonic() > deadline_s:
                    raise BenchFailed("the relay did not empty the outbox between two rounds")
                await asyncio.sleep(_LOOK_S)
        finally:
            await connection.close()
