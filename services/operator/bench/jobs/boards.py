"""Many boards on one process: how long an alert takes to the last of them, timed by one process for all."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

import grpc

from services.operator.bench.life import Command, commands_of_a_life, referral_in
from services.operator.bench.statistics import percentile

_PAGE = "x-tierlink-page: 1\r\n"
_PARTS = ("alerts", "referrals", "beds")
_EVENTS = f"/events?parts={','.join(_PARTS)}"
#: Sign-ins at once: a site's boards come up one after the other too.
_SIGN_INS_MAX = 25
_ARRIVAL_TIMEOUT_S = 20.0
_OPEN_TIMEOUT_S = 100.0
_LINE_BYTES_MAX = 1024 * 1024
#: Between two alerts: each is timed alone.
_BETWEEN_S = 0.4


@dataclass(kw_only=True)
class _Arrivals:
    """When each board showed the alert of a referral."""

    boards: int
    seen_s: dict[str, list[float]] = field(default_factory=dict)
    open: int = 0

    def note(self, subject: str) -> None:
        self.seen_s.setdefault(subject, []).append(time.perf_counter())


async def time_boards(
    *, board: str, referral: str, tokens: Sequence[str], origin: str, alerts: int, seed: int
) -> dict[str, Any]:
    """Opens a board for each token, as a page does, with all parts of its stream; then sends referrals.

    Raises ValueError when a board does not open, or an alert does not reach all of them.
    """
    arrivals = _Arrivals(boards=len(tokens))
    gate = asyncio.Semaphore(_SIGN_INS_MAX)
    readers = [asyncio.create_task(_board(board, token, arrivals, gate)) for token in tokens]
    try:
        await _until_open(arrivals, readers)
        times_ms = await _alerts(referral, origin, alerts, seed, arrivals)
    finally:
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
    last_ms = sorted(max(times) for times in times_ms)
    every_ms = sorted(each for times in times_ms for each in times)
    return {
        "boards": len(tokens),
        "alerts": len(times_ms),
        "board_ms_p50": percentile(every_ms, 50),
        "last_ms_p50": percentile(last_ms, 50),
        "last_ms_worst": last_ms[-1],
    }


async def _until_open(arrivals: _Arrivals, readers: Sequence["asyncio.Task[None]"]) -> None:
    deadline_s = time.perf_counter() + _OPEN_TIMEOUT_S
    while arrivals.open < arrivals.boards:
        for reader in readers:
            if reader.done():
                reader.result()
        if time.perf_counter() > deadline_s:
            raise ValueError(f"{arrivals.boards - arrivals.open} of {arrivals.boards} boards did not open")
        await asyncio.sleep(0.05)


async def _alerts(
    referral: str, origin: str, alerts: int, seed: int, arrivals: _Arrivals
) -> list[list[float]]:
    """Milliseconds from each command to each board."""
    command: Command = commands_of_a_life()[0]
    random = Random(f"boards/{seed}")
    found: list[list[float]] = []
    async with grpc.aio.insecure_channel(referral) as channel:
        call: Any = channel.unary_unary(command.path)
        # One more than is counted: the first makes connections and caches.
        for number in range(alerts + 1):
            request_id = str(UUID(int=random.getrandbits(128), version=4)).encode()
            data = command.fill(request_id, b"", b"bench-%032x" % random.getrandbits(128))
            sent_s = time.perf_counter()
            reply: bytes = await call(data, metadata=(("authorization", f"Bearer {origin}"),), timeout=30)
            subject = referral_in(reply).decode()
            while len(arrivals.seen_s.get(subject, ())) < arrivals.boards:
                if time.perf_counter() - sent_s > _ARRIVAL_TIMEOUT_S:
                    reached = len(arrivals.seen_s.get(subject, ()))
                    raise ValueError(f"an alert reached {reached} of {arrivals.boards} boards")
                await asyncio.sleep(0.005)
            if number:
                found.append([(seen_s - sent_s) * 1000 for seen_s in arrivals.seen_s[subject]])
            await asyncio.sleep(_BETWEEN_S)
    return found


async def _board(address: str, token: str, arrivals: _Arrivals, gate: asyncio.Semaphore) -> None:
    async with AsyncExitStack() as exits:
        async with gate:
            cookie = await _sign_in(address, token)
            told = await exits.enter_async_context(_stream(address, _EVENTS, cookie))
            # The end of the first pictures has a place to go on from: what comes now comes as a change.
            while not _is_whole(await told.readline()):
                pass
        arrivals.open += 1
        await _read_alerts(told, arrivals)


def _is_whole(line: bytes) -> bool:
    """Whether every part has a place to go on from."""
    return line.startswith(b"id: ") and all(f"{part}=".encode() in line for part in _PARTS)


async def _sign_in(address: str, token: str) -> str:
    """The session's cookie. Raises ValueError."""
    body = json.dumps({"token": token})
    reader, writer = await asyncio.open_connection(*address.rsplit(":", 1), limit=_LINE_BYTES_MAX)
    writer.write(
        f"POST /api/session HTTP/1.1\r\nhost: {address}\r\n{_PAGE}content-type: application/json\r\n"
        f"connection: close\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode()
    )
    answer = (await reader.read()).decode()
    writer.close()
    for line in answer.splitlines():
        if line.lower().startswith("set-cookie:"):
            return line.partition(":")[2].partition(";")[0].strip()
    raise ValueError(f"no board: {answer[:200]}")


@asynccontextmanager
async def _stream(address: str, path: str, cookie: str) -> AsyncIterator[asyncio.StreamReader]:
    """A stream that has begun. Raises ValueError."""
    reader, writer = await asyncio.open_connection(*address.rsplit(":", 1), limit=_LINE_BYTES_MAX)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nhost: {address}\r\ncookie: {cookie}\r\n\r\n".encode())
        status = await reader.readline()
        if b" 200 " not in status:
            raise ValueError(f"{path}: {status.decode()}")
        # The first sign of life: the board serves it.
        while not (await reader.readline()).startswith(b"event: alerts.heartbeat"):
            pass
        yield reader
    finally:
        writer.close()


async def _read_alerts(reader: asyncio.StreamReader, arrivals: _Arrivals) -> None:
    """Looks for the subject alone: parsing 500 copies here would be timed as the board's work."""
    mark = b'"subject":"'
    while line := await reader.readline():
        at = line.find(mark)
        if at >= 0 and b'"rule":"OFFER"' in line and b'"event_type":"AlertTriggered"' in line:
            start = at + len(mark)
            arrivals.note(line[start : line.index(b'"', start)].decode())
