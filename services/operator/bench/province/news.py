"""What other services make of a call, as the hospitals' open streams tell it: alerts, beds of referrals."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc

from services.operator.bench.watched import Watched
from services.operator.rpc.values import short_name
from tierlink.referral.v1 import referral_pb2

_REGIONS = referral_pb2.BedRegion.DESCRIPTOR


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """Something with the moment at which it was told first."""

    value: Any
    at_s: float


class News:
    """Kept until the round is over: whoever asks late is answered at once."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._seen: dict[tuple[str, str], Seen] = {}
        self._waiting: dict[tuple[str, str], asyncio.Future[Seen]] = {}

    def tell(self, what: str, about: str, value: Any) -> None:
        """Something is so; the first word of it counts."""
        key = (what, about)
        if key in self._seen:
            return
        seen = self._seen[key] = Seen(value=value, at_s=self._clock())
        waiting = self._waiting.pop(key, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(seen)

    async def wait(self, what: str, about: str, within_s: float) -> Seen:
        """Raises TimeoutError when nobody tells."""
        key = (what, about)
        if key in self._seen:
            return self._seen[key]
        future = self._waiting[key] = asyncio.get_running_loop().create_future()
        return await asyncio.wait_for(future, within_s)

    def alert(self, response: Any) -> None:
        """A message of WatchAlerts."""
        if response.alert.name:
            self.tell(response.alert.rule, response.alert.subject, response.alert.name)

    def referral(self, response: Any) -> None:
        """A message of WatchReferrals."""
        referral = response.referral
        if referral.bed.bed:
            region = short_name(_REGIONS, referral.bed_region)
            self.tell(region, referral.name, (referral.bed.ward, referral.bed.bed))


@asynccontextmanager
async def watching(streams: Iterable[Watched], failed: Callable[[str], None]) -> AsyncIterator[None]:
    """All of them for the time of the block; `failed` is told of one that ends before."""
    tasks = [asyncio.create_task(_watch(stream, failed)) for stream in streams]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _watch(stream: Watched, failed: Callable[[str], None]) -> None:
    try:
        await stream.follow()
    except grpc.aio.AioRpcError as error:
        failed(f"{stream.method}: {error.code().name} {error.details()}")
    else:
        failed(f"{stream.method}: ended")
