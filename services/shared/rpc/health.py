"""Whether this process lives and whether it can serve, told by the standard health service.

Names: `liveness` serves while the process runs, also while it drains; `readiness`, the empty name and every
service's full name follow the readiness probe.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog
from grpc_health.v1 import health_pb2
from grpc_health.v1.health import aio as health_aio

LIVENESS = "liveness"
READINESS = "readiness"

#: True when every dependency answers. Raising counts as not ready.
ReadinessProbe = Callable[[], Awaitable[bool]]

_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING

_log = structlog.get_logger(__name__)


class Health:
    """Polls the probe and keeps the health service's answers up to date."""

    def __init__(
        self, *, services: Sequence[str], probe: ReadinessProbe, interval_s: float, timeout_s: float
    ) -> None:
        """The probe is asked every `interval_s`; one that takes longer than `timeout_s` counts as failed."""
        self.servicer = health_aio.HealthServicer()
        self._names = ("", READINESS, *services)
        self._probe = probe
        self._interval_s = interval_s
        self._timeout_s = timeout_s
        self._ready = False
        self._polling: asyncio.Task[None] | None = None

    @property
    def is_ready(self) -> bool:
        """What the last probe said. Safe to read from any thread."""
        return self._ready

    async def start(self) -> None:
        """Publishes the first probe's answer, then keeps asking."""
        await self.servicer.set(LIVENESS, _SERVING)
        await self._publish(await self._ask())
        self._polling = asyncio.create_task(self._poll(), name="readiness probe")

    async def stop(self) -> None:
        """Says NOT_SERVING for everything but liveness, for good."""
        if self._polling is not None:
            self._polling.cancel()
            await asyncio.wait({self._polling})
        await self._publish(False)

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(self._interval_s)
            ready = await self._ask()
            if ready is not self._ready:
                await self._publish(ready)

    async def _ask(self) -> bool:
        try:
            async with asyncio.timeout(self._timeout_s):
                ready = await self._probe()
        except Exception as error:
            # Said once for each time that readiness is lost, not every interval.
            if self._ready or self._polling is None:
                _log.warning("not ready", error=str(error) or type(error).__name__)
            return False
        return ready is True

    async def _publish(self, ready: bool) -> None:
        if ready is not self._ready:
            _log.info("readiness changed", ready=ready)
        self._ready = ready
        for name in self._names:
            await self.servicer.set(name, _SERVING if ready else _NOT_SERVING)
