"""One process that verifies chains, and one that only hashes the same bytes, read or at hand.

A small store is gone through again and again, for as many seconds as are asked for.
"""

import time
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import asyncpg

from services.shared.audit.chain_walk import ChainWalk, spans_of
from services.shared.audit.scan import SCAN_SESSION
from services.shared.eventstore.aggregate import AggregateKind

_PAYLOADS = "SELECT previous_hash, payload FROM events ORDER BY stream_id, version"
#: Held in memory by what only hashes.
_AT_HAND_MAX = 200_000


async def time_hashing(*, dsn: str, seconds: float) -> dict[str, Any]:
    """Events a second, without reading them: every link is computed from bytes at hand."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(f"{_PAYLOADS} LIMIT {_AT_HAND_MAX}")
        links = [(row["previous_hash"], row["payload"]) for row in rows]
    finally:
        await connection.close()
    events, begun_s = 0, time.perf_counter()
    while (elapsed_s := time.perf_counter() - begun_s) < seconds:
        for previous, payload in links:
            sha256(previous + payload).digest()
        events += len(links)
    return {"per_second": events / elapsed_s, "events": len(links)}


async def time_reading_and_hashing(*, dsn: str, seconds: float) -> dict[str, Any]:
    """Events a second with the least that anybody can do who has to fetch them."""
    connection = await asyncpg.connect(dsn, server_settings=SCAN_SESSION)
    try:
        events, begun_s = 0, time.perf_counter()
        while (elapsed_s := time.perf_counter() - begun_s) < seconds:
            rows = await connection.fetch(_PAYLOADS)
            for previous, payload in rows:
                sha256(previous + payload).digest()
            events += len(rows)
    finally:
        await connection.close()
    return {"per_second": events / elapsed_s}


async def time_chains(*, dsn: str, seconds: float) -> dict[str, Any]:
    """Events a second of the chains of the store, read and verified by this process."""
    connection = await asyncpg.connect(dsn, server_settings=SCAN_SESSION)
    try:
        events = findings = 0
        begun_s = time.perf_counter()
        while (elapsed_s := time.perf_counter() - begun_s) < seconds:
            walk = ChainWalk(connection, kinds=_none)
            async for page in walk.whole(await spans_of(connection) or ()):
                events += page.events_count
                findings += len(page.findings)
    finally:
        await connection.close()
    return {"per_second": events / elapsed_s, "findings": findings}


def _none() -> Mapping[str, AggregateKind[Any, Any]]:
    """A store that was only written to has nothing to look at twice."""
    return {}
