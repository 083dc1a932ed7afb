"""A closed loop of commands: so many callers, each sends its next command when the last one is answered."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import grpc

from services.operator.bench.life import Life, Request, lives, referral_in
from services.operator.bench.statistics import distribution, percentile

#: What a call may take before the round is given up.
_CALL_TIMEOUT_S = 30.0


@dataclass(frozen=True, kw_only=True)
class _Target:
    """An address with the callers that are at work on it: a round goes on where the last one stopped."""

    channels: list[grpc.aio.Channel]
    callers: list["_Caller"]

    async def close(self) -> None:
        for channel in self.channels:
            await channel.close()


@dataclass(frozen=True, kw_only=True)
class _Caller:
    """One who waits for each answer, and the connection on which he asks."""

    life: Life
    calls: dict[str, Any]


@dataclass(kw_only=True)
class Tally:
    """What one round counted.

    It lasts as long as it was given, and where fewer answers came by then than there are callers, until so
    many came: a machine that is slow for a while has figures too, and they say how slow it was. What bounds
    it is that no call may take longer than `_CALL_TIMEOUT_S`.
    """

    begun_s: float
    seconds: float
    answers_min: int
    latencies_s: list[float] = field(default_factory=list)
    #: with those that were answered too late to count
    answered: int = 0

    def __post_init__(self) -> None:
        self._ended_s = self.begun_s + self.seconds

    def is_over(self, at_s: float) -> bool:
        """Whether what is answered at this moment is too late to count."""
        return at_s > self.begun_s + self.seconds and len(self.latencies_s) >= self.answers_min

    def count(self, *, sent_s: float, answered_s: float) -> None:
        """One answer."""
        self.answered += 1
        if not self.is_over(answered_s):
            self.latencies_s.append(answered_s - sent_s)
            self._ended_s = max(self._ended_s, answered_s)

    def summary(self) -> dict[str, Any]:
        """As a document. Raises ValueError before the first answer."""
        latencies_ms = sorted(latency * 1000 for latency in self.latencies_s)
        seconds = self._ended_s - self.begun_s
        return {
            "commands": len(latencies_ms),
            "answered": self.answered,
            "seconds": seconds,
            "per_second": len(latencies_ms) / seconds,
            "latency_ms_p50": percentile(latencies_ms, 50),
            "latency_ms_p99": percentile(latencies_ms, 99),
            "distribution_ms": distribution(latencies_ms),
        }


class LoadClient:
    """Sends commands; the same code for the service and for every baseline."""

    def __init__(self) -> None:
        self._targets: dict[str, _Target] = {}

    async def round(
        self,
        *,
        address: str,
        tokens: dict[str, str],
        concurrency: int,
        seconds: float,
        seed: str,
        connections: int = 1,
    ) -> dict[str, Any]:
        """Sends for so long, see `Tally`; counts what was answered in that time."""
        target = self._targets.get(address)
        if target is None:
            target = self._targets[address] = _open(address, concurrency, seed, connections)
            # Connections and plans of statements are made by the first commands, which no round counts.
            await asyncio.gather(*(_next(caller, _metadata(tokens)) for caller in target.callers))
        metadata = _metadata(tokens)
        tally = Tally(begun_s=time.perf_counter(), seconds=seconds, answers_min=len(target.callers))
        await asyncio.gather(*(_work(caller, metadata, tally) for caller in target.callers))
        return tally.summary()

    async def one_life(self, *, address: str, tokens: dict[str, str], seed: str) -> dict[str, Any]:
        """One referral's life: what was sent and answered, as hexadecimal text."""
        target = _open(address, 1, seed)
        metadata = _metadata(tokens)
        caller = target.callers[0]
        sent: list[dict[str, str]] = []
        try:
            for _ in caller.calls:
                request = caller.life.next_request()
                reply = await _call(caller, request, metadata)
                caller.life.answered(reply)
                sent.append(
                    {"path": request.command.path, "request": request.data.hex(), "reply": reply.hex()}
                )
        finally:
            await target.close()
        return {"calls": sent}

    async def one_command(self, *, address: str, token: str, seed: str) -> dict[str, Any]:
        """A referral is created, and nothing more; its name."""
        target = _open(address, 1, seed)
        caller = target.callers[0]
        request = caller.life.next_request()
        try:
            reply = await _call(caller, request, _metadata({request.command.who: token}))
        finally:
            await target.close()
        return {"referral": referral_in(reply).decode()}

    async def close(self) -> None:
        """Closes every channel."""
        for target in self._targets.values():
            await target.close()


def _metadata(tokens: dict[str, str]) -> dict[str, tuple[tuple[str, str], ...]]:
    return {who: (("authorization", f"Bearer {token}"),) for who, token in tokens.items()}


def _open(address: str, concurrency: int, seed: str, connections: int = 1) -> _Target:
    options = [("grpc.use_local_subchannel_pool", 1)]
    channels = [grpc.aio.insecure_channel(address, options=options) for _ in range(connections)]
    found = list(lives(concurrency, seed))
    calls: list[dict[str, Any]] = [
        {command.path: channel.unary_unary(command.path) for command in found[0].commands}
        for channel in channels
    ]
    callers = [_Caller(life=life, calls=calls[number % connections]) for number, life in enumerate(found)]
    return _Target(channels=channels, callers=callers)


async def _work(caller: _Caller, metadata: dict[str, Any], tally: Tally) -> None:
    while True:
        request = caller.life.next_request()
        sent_s = time.perf_counter()
        if tally.is_over(sent_s):
            return
        reply = await _call(caller, request, metadata)
        tally.count(sent_s=sent_s, answered_s=time.perf_counter())
        caller.life.answered(reply)


async def _next(caller: _Caller, metadata: dict[str, Any]) -> None:
    caller.life.answered(await _call(caller, caller.life.next_request(), metadata))


async def _call(caller: _Caller, request: Request, metadata: dict[str, Any]) -> bytes:
    call = caller.calls[request.command.path]
    reply: bytes = await call(request.data, metadata=metadata[request.command.who], timeout=_CALL_TIMEOUT_S)
    return reply
