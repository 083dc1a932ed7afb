"""One person's open alert stream, which comes back with its resume token when it breaks."""

import asyncio
import time
from dataclasses import dataclass

import grpc

from services.operator.playing.results import StepFailed
from services.operator.rpc.calling import Caller
from services.operator.rpc.failures import RETRIED, CallFailed
from services.operator.rpc.methods import rpc_methods
from services.operator.rpc.paths import Expectation, unmet
from services.operator.rpc.people import TokenBook
from services.shared.kernel.actor import Actor
from tierlink.notification.v1 import alert_pb2, alert_service_pb2

_RECONNECT_S = 0.1
#: A stream that breaks so often in a row, without a message between, is not coming back.
_FAILURES_MAX = 600
#: Streams bring other people's alerts too, of a busy site that is not only this case's.
_RECEIVED_MAX = 100_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """One message of the stream."""

    alert: alert_pb2.Alert
    #: monotonic
    at_s: float


class AlertWatch:
    """Keeps what the stream brought. `run` it as a task; wait for alerts meanwhile."""

    def __init__(self, caller: Caller, tokens: TokenBook, actor: Actor) -> None:
        self._caller = caller
        self._tokens = tokens
        self.actor = actor
        self.received: list[Received] = []
        #: `alerts/…@version` of messages that came twice: a stream that resumes must not repeat itself
        self.repeated: list[str] = []
        self._versions: set[tuple[str, int]] = set()
        self._resume_token = ""
        self._news = asyncio.Event()
        self._broken: grpc.aio.AioRpcError | None = None

    async def run(self) -> None:
        """Reads the stream until it is cancelled, or refused for good."""
        failures = 0
        while failures < _FAILURES_MAX:
            try:
                if await self._read():
                    failures = 0
            except grpc.aio.AioRpcError as error:
                failures += 1
                # UNKNOWN is what grpc says of a stream whose connection was cut in mid-message.
                if error.code() not in RETRIED | {grpc.StatusCode.UNKNOWN} or failures == _FAILURES_MAX:
                    self._broken = error
                    self._news.set()
                    return
            await asyncio.sleep(_RECONNECT_S)

    async def wait_for(self, match: tuple[Expectation, ...], within_s: float) -> Received:
        """The first message with an alert like that, also one that has come already. Raises StepFailed."""
        looked_at = 0
        try:
            async with asyncio.timeout(within_s):
                while True:
                    self._news.clear()
                    for received in self.received[looked_at:]:
                        looked_at += 1
                        if not any(unmet(received.alert, match)):
                            return received
                    if self._broken is not None:
                        raise StepFailed(str(CallFailed("WatchAlerts", self._broken, 1)))
                    await self._news.wait()
        except TimeoutError:
            wanted = ", ".join(f"{each.path} {each.value}" for each in match)
            seen = ", ".join(dict.fromkeys(each.alert.rule for each in self.received)) or "none at all"
            raise StepFailed(f"no alert with {wanted} within {within_s:.0f} s; there were: {seen}") from None

    async def _read(self) -> bool:
        """One connection's worth; whether it brought anything."""
        method = rpc_methods()["WatchAlerts"]
        request = alert_service_pb2.WatchAlertsRequest(resume_token=self._resume_token)
        token = self._tokens.token(self.actor)
        any_message = False
        async for data in self._caller.stream(method.path, method.service, request, token):
            message = alert_service_pb2.WatchAlertsResponse.FromString(data)
            any_message = True
            self._resume_token = message.resume_token or self._resume_token
            if message.HasField("alert"):
                self._note(message.alert)
        return any_message

    def _note(self, alert: alert_pb2.Alert) -> None:
        version = (alert.name, alert.version)
        if version in self._versions:
            self.repeated.append(f"{alert.name}@{alert.version}")
        self._versions.add(version)
        if len(self.received) < _RECEIVED_MAX:
            self.received.append(Received(alert=alert, at_s=time.monotonic()))
        self._news.set()
