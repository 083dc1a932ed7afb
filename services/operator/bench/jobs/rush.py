"""Many who ask for the last bed of a ward at the same moment, again and again."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from services.operator.bench.statistics import percentile
from tierlink.bed.v1 import bed_service_pb2, bed_service_pb2_grpc
from tierlink.type.v1 import type_pb2

#: What a caller waits before the round is given up.
_CALL_TIMEOUT_S = 30.0
#: The outcome of whoever got the bed.
WON = "WON"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What one caller was told, and when."""

    outcome: str
    answered_s: float
    hold: Any = None


@dataclass(kw_only=True)
class Tally:
    """What one round counted."""

    latencies_ms: list[float] = field(default_factory=list)
    #: how long the winners waited
    won_ms: list[float] = field(default_factory=list)
    #: how long each rush took, until its last answer
    rushes_ms: list[float] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    #: rushes with another number of winners than one
    wrong: int = 0

    def count(self, answers: Sequence[Answer], *, begun_s: float) -> list[Any]:
        """Counts one rush; the holds that were given in it."""
        taken_ms = [(answer.answered_s - begun_s) * 1000 for answer in answers]
        holds = [answer.hold for answer in answers if answer.hold is not None]
        self.latencies_ms.extend(taken_ms)
        self.rushes_ms.append(max(taken_ms))
        self.won_ms.extend(
            ms for ms, answer in zip(taken_ms, answers, strict=True) if answer.hold is not None
        )
        self.outcomes.update(answer.outcome for answer in answers)
        self.wrong += len(holds) != 1
        return holds

    def summary(self) -> dict[str, Any]:
        """As a document. Raises ValueError before the first rush."""
        return {
            "rushes": len(self.rushes_ms),
            "wrong": self.wrong,
            "outcomes": dict(self.outcomes),
            "per_second": len(self.latencies_ms) * 1000 / sum(self.rushes_ms),
            "latency_ms_p50": percentile(sorted(self.latencies_ms), 50),
            "latency_ms_p99": percentile(sorted(self.latencies_ms), 99),
            "won_ms_p50": percentile(sorted(self.won_ms), 50) if self.won_ms else 0.0,
        }


async def rush(
    *, address: str, token: str, facility: str, callers: int, seconds: float, seed: str, is_echo: bool
) -> dict[str, Any]:
    """Rushes for so long. Between two of them the winner gives the bed back, which is not timed.

    An echo grants every request: there is nothing to give back.
    """
    tally, random = Tally(), Random(seed)
    metadata = (("authorization", f"Bearer {token}"),)
    async with grpc.aio.insecure_channel(address) as channel:
        stub: Any = bed_service_pb2_grpc.BedServiceStub(channel)

        async def one(counted: Tally) -> None:
            # Made before they are sent, so that all are on their way at once.
            requests = [hold_request(facility, random) for _ in range(callers)]
            begun_s = time.perf_counter()
            answers = await asyncio.gather(*(_ask(stub, request, metadata) for request in requests))
            holds = counted.count(answers, begun_s=begun_s)
            for hold in () if is_echo else holds:
                await stub.ReleaseHold(_release(hold, random), metadata=metadata, timeout=_CALL_TIMEOUT_S)

        # The connection is opened by the first one, which is not counted.
        await one(Tally())
        until_s = time.perf_counter() + seconds
        while not tally.rushes_ms or time.perf_counter() < until_s:
            await one(tally)
    return tally.summary()


async def _ask(stub: Any, request: Any, metadata: tuple[tuple[str, str], ...]) -> Answer:
    try:
        reply = await stub.HoldBed(request, metadata=metadata, timeout=_CALL_TIMEOUT_S)
    except grpc.aio.AioRpcError as error:
        answered_s = time.perf_counter()
        return Answer(outcome=_reason(error), answered_s=answered_s)
    return Answer(outcome=WON, answered_s=time.perf_counter(), hold=reply.hold)


def _reason(error: grpc.aio.AioRpcError) -> str:
    """The rules that failed, where the answer names them; else the status."""
    status: Any = rpc_status.from_call(error)  # type: ignore[arg-type]
    found = error_details_pb2.PreconditionFailure()
    for detail in () if status is None else status.details:
        if detail.Unpack(found):
            return ",".join(violation.type for violation in found.violations)
    return error.code().name


def draw_id(random: Random) -> str:
    """A UUID of the seed."""
    return str(UUID(int=random.getrandbits(128), version=4))


def hold_request(facility: str, random: Random) -> Any:
    """Asks for a bed for a referral of its own."""
    request = bed_service_pb2.HoldBedRequest(
        request_id=draw_id(random),
        facility=facility,
        referral=f"referrals/{draw_id(random)}",
        patient=f"bench-{random.getrandbits(64):016x}",
        bed_type=type_pb2.BED_TYPE_STROKE_UNIT,
    )
    request.expires_at.FromDatetime(datetime.now(UTC) + timedelta(hours=1))
    return request


def _release(hold: Any, random: Random) -> Any:
    request = bed_service_pb2.ReleaseHoldRequest(
        request_id=draw_id(random), hold=hold.name, fencing_token=hold.fencing_token
    )
    request.reason.code = "BENCH_OVER"
    return request
