"""A closed loop of batches: each caller speaks for several referrals, a command of each in one call."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import grpc
from google.protobuf.message import Message

from services.operator.bench.life import Command, Life, Request, commands_of_a_life
from services.operator.bench.statistics import percentile
from tierlink.referral.v1 import batch_service_pb2 as pb

_PATH = "/tierlink.referral.v1.BatchService/SubmitBatch"
#: What a call may take before the round is given up.
_CALL_TIMEOUT_S = 30.0


class BatchRefusedError(Exception):
    """An item of a batch was refused; the text says why."""


@dataclass(kw_only=True)
class _Caller:
    """The referrals that one caller speaks for, all at the same step."""

    lives: Sequence[Life]


@dataclass(frozen=True, kw_only=True)
class _Target:
    channel: grpc.aio.Channel
    call: Any
    callers: Sequence[_Caller]


class BatchClient:
    """Sends the commands of `load.py`, many in one call."""

    def __init__(self) -> None:
        self._targets: dict[tuple[str, bool], _Target] = {}

    async def round(
        self,
        *,
        address: str,
        tokens: dict[str, str],
        concurrency: int,
        items: int,
        seconds: float,
        seed: str,
        is_brief: bool = False,
    ) -> dict[str, Any]:
        """Sends for so long, each caller at least once, and counts all that was sent until the last answer.

        With many commands under way at the end, those answered in time alone would leave out much that was
        done in it. Raises BatchRefusedError where one was refused.
        """
        known = (address, is_brief)
        target = self._targets.get(known)
        if target is None:
            target = self._targets[known] = _open(address, concurrency, items, seed)
        metadata = {who: (("authorization", f"Bearer {token}"),) for who, token in tokens.items()}
        begun_s = time.perf_counter()
        until_s = begun_s + seconds
        found = await asyncio.gather(
            *(_work(target.call, caller, metadata, until_s, is_brief) for caller in target.callers)
        )
        taken_s = time.perf_counter() - begun_s
        latencies_ms = sorted(latency_s * 1000 for latencies_s in found for latency_s in latencies_s)
        commands = len(latencies_ms) * items
        return {
            "commands": commands,
            "answered": commands,
            "per_second": commands / taken_s,
            "latency_ms_p50": percentile(latencies_ms, 50),
            "latency_ms_p99": percentile(latencies_ms, 99),
        }

    async def close(self) -> None:
        """Closes every channel."""
        for target in self._targets.values():
            await target.channel.close()


def _open(address: str, concurrency: int, items: int, seed: str) -> _Target:
    channel = grpc.aio.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])
    commands = commands_of_a_life()
    callers = [
        _Caller(lives=[Life(commands, Random(f"{seed}/{caller}/{item}")) for item in range(items)])
        for caller in range(concurrency)
    ]
    return _Target(channel=channel, call=channel.unary_unary(_PATH), callers=callers)


async def _work(
    call: Any, caller: _Caller, metadata: dict[str, Any], until_s: float, is_brief: bool
) -> list[float]:
    latencies_s: list[float] = []
    while True:
        requests = [life.next_request() for life in caller.lives]
        command = requests[0].command
        sent_s = time.perf_counter()
        if latencies_s and sent_s >= until_s:
            return latencies_s
        answer = await call(
            batch_of(requests, is_brief=is_brief), metadata=metadata[command.who], timeout=_CALL_TIMEOUT_S
        )
        answered_s = time.perf_counter()
        for life, reply in zip(caller.lives, _replies(answer, command), strict=True):
            life.answered(reply)
        latencies_s.append(answered_s - sent_s)


def batch_of(requests: Sequence[Request], *, is_brief: bool = False) -> bytes:
    """A batch of requests that are bytes already."""
    batch = pb.SubmitBatchRequest(brief=is_brief)
    for request in requests:
        getattr(batch.items.add(), request.command.field).MergeFromString(request.data)
    return batch.SerializeToString()


def _replies(answer: bytes, command: Command) -> list[bytes]:
    """What `Life.answered` reads of each reply: the referral's name."""
    found: list[bytes] = []
    for result in pb.SubmitBatchResponse.FromString(answer).results:
        outcome = result.WhichOneof("outcome")
        if outcome == "carried_out":
            found.append(result.carried_out.name.encode())
            continue
        if outcome != command.field:
            raise BatchRefusedError(f"{command.method}: {result.status.message}")
        reply: Message = getattr(result, command.field)
        found.append(str(reply.referral.name).encode())  # type: ignore[attr-defined]
    return found
