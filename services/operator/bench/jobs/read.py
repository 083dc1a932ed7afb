"""Reads through gRPC, one call after the other, as one office does; and the same rows by asyncpg alone."""

import itertools
import time
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import grpc

from services.operator.bench.statistics import distribution, percentile

_CALL_TIMEOUT_S = 60.0
_SELECT = "SELECT version, snapshot FROM streams WHERE stream_id = $1"
_SELECT_MANY = "SELECT version, snapshot FROM streams WHERE stream_id = ANY ($1::text[])"


async def read(*, address: str, path: str, token: str, requests: list[str], seconds: float) -> dict[str, Any]:
    """Sends the requests in turn for so long; `requests` are hexadecimal."""
    bodies = [bytes.fromhex(request) for request in requests]
    metadata = (("authorization", f"Bearer {token}"),)
    async with grpc.aio.insecure_channel(address) as channel:
        call: Any = channel.unary_unary(path)

        async def one(body: bytes) -> None:
            await call(body, metadata=metadata, timeout=_CALL_TIMEOUT_S)

        return await timed(one, bodies, seconds)


async def select(*, dsn: str, names: list[str], rows: int, seconds: float) -> dict[str, Any]:
    """Reads snapshots by primary key for so long, `rows` at a time."""
    connection = await asyncpg.connect(dsn)
    try:

        async def one(batch: list[str]) -> None:
            if rows == 1:
                await connection.fetchrow(_SELECT, batch[0])
            else:
                await connection.fetch(_SELECT_MANY, batch)

        batches = [names[start : start + rows] for start in range(0, len(names), rows)]
        return await timed(one, batches, seconds)
    finally:
        await connection.close()


async def timed(one: Callable[[Any], Awaitable[None]], items: list[Any], seconds: float) -> dict[str, Any]:
    """One after the other for so long, and at least one."""
    for item in items[:5]:
        # The first ones plan statements and open connections.
        await one(item)
    taken_ms: list[float] = []
    first_s = begun_s = time.perf_counter()
    for item in itertools.cycle(items):
        await one(item)
        ended_s = time.perf_counter()
        taken_ms.append((ended_s - begun_s) * 1000)
        begun_s = ended_s
        if ended_s - first_s >= seconds:
            break
    taken_ms.sort()
    return {
        # The last one counts whole, and so does the time until its answer.
        "per_second": len(taken_ms) / (begun_s - first_s),
        "latency_ms_p50": percentile(taken_ms, 50),
        "latency_ms_p99": percentile(taken_ms, 99),
        "distribution_ms": distribution(taken_ms),
        "calls": len(taken_ms),
    }
