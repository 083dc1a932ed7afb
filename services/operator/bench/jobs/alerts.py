"""From a command to the alert that it causes, timed by one process that sends one and watches the other."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

import grpc

from services.operator.bench.life import Command, commands_of_a_life, referral_in
from services.operator.bench.statistics import percentile
from services.operator.bench.watched import Watched

#: How long after the last command its alert is waited for.
_LAST_ALERT_S = 15.0
_RULE = "OFFER"
_CALL_TIMEOUT_S = 30.0
#: Commands before those that count: connections, caches and plans are made by the first.
_WARM_UP_COUNT = 50


@dataclass(kw_only=True)
class AlertTimes:
    """Moments, by referral."""

    #: not when it was sent: whoever is kept from sending has waited since it was due
    due_s: dict[str, float] = field(default_factory=dict)
    alerted_s: dict[str, float] = field(default_factory=dict)
    #: from due to answered
    answers_s: list[float] = field(default_factory=list)

    def told(self, response: Any) -> None:
        """A message of WatchAlerts: the first word of an alert counts."""
        if response.alert.rule == _RULE:
            self.alerted_s.setdefault(response.alert.subject, time.perf_counter())

    def missing(self) -> int:
        """Answered, and no alert seen yet."""
        return len(self.due_s.keys() - self.alerted_s.keys())


async def time_alerts(
    *, referral: str, notification: str, tokens: dict[str, str], rate: float, seconds: float, seed: int
) -> dict[str, Any]:
    """Creates emergency referrals at a rate, whatever the answers take.

    Each is timed from the moment at which it was due until its alert is seen. Raises ValueError when alerts
    do not come.
    """
    async with (
        grpc.aio.insecure_channel(referral) as commands,
        grpc.aio.insecure_channel(notification) as alerts,
    ):
        times = AlertTimes()
        stream = Watched(method="WatchAlerts", channel=alerts, token=tokens["destination"], told=times.told)
        watch = asyncio.create_task(stream.follow())
        try:
            sender = AlertSender(commands, tokens["origin"], seed)
            await sender.send(rate, _WARM_UP_COUNT, AlertTimes())
            await sender.send(rate, max(1, int(rate * seconds)), times)
            await _wait_for_alerts(watch, times)
        finally:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError, grpc.aio.AioRpcError):
                await watch
    if times.missing():
        raise ValueError(f"{times.missing()} of {len(times.due_s)} alerts did not come")
    latencies_ms = sorted((times.alerted_s[name] - due_s) * 1000 for name, due_s in times.due_s.items())
    answers_ms = sorted(answer * 1000 for answer in times.answers_s)
    return {
        "alerts": len(latencies_ms),
        "alert_ms_p50": percentile(latencies_ms, 50),
        "alert_ms_p99": percentile(latencies_ms, 99),
        "answer_ms_p50": percentile(answers_ms, 50),
        "answer_ms_p99": percentile(answers_ms, 99),
    }


class AlertSender:
    """Sends CreateReferral at given moments, without waiting for the answer to the one before."""

    def __init__(
        self, channel: Any, token: str, seed: int, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._clock = clock
        self._command: Command = commands_of_a_life()[0]
        self._call: Any = channel.unary_unary(self._command.path)
        self._metadata = (("authorization", f"Bearer {token}"),)
        self._random = Random(f"alerts/{seed}")

    async def send(self, rate: float, count: int, times: AlertTimes) -> None:
        """Raises grpc.aio.AioRpcError."""
        begun_s = self._clock()
        async with asyncio.TaskGroup() as group:
            for number in range(count):
                due_s = begun_s + number / rate
                await asyncio.sleep(max(0.0, due_s - self._clock()))
                group.create_task(self._one(times, due_s))

    async def _one(self, times: AlertTimes, due_s: float) -> None:
        request_id = str(UUID(int=self._random.getrandbits(128), version=4)).encode()
        patient = b"bench-%032x" % self._random.getrandbits(128)
        data = self._command.fill(request_id, b"", patient)
        reply: bytes = await self._call(data, metadata=self._metadata, timeout=_CALL_TIMEOUT_S)
        times.answers_s.append(self._clock() - due_s)
        times.due_s[referral_in(reply).decode()] = due_s


async def _wait_for_alerts(watch: "asyncio.Task[None]", times: AlertTimes) -> None:
    deadline_s = time.perf_counter() + _LAST_ALERT_S
    while times.missing() and time.perf_counter() < deadline_s:
        done, _ = await asyncio.wait({watch}, timeout=0.05)
        for ended in done:
            ended.result()
            raise ValueError("the alert stream ended")
