"""The worker that asks the vendors for receipts, beside those of other processes."""

import asyncio
import contextlib

import structlog

from services.notification.application.ask_receipts import ReceiptDesk
from services.shared.kernel.refusals import DependencyDown

_log = structlog.get_logger(__name__)

_STOP_TIMEOUT_S = 5.0


class ReceiptWorker:
    """Works until stopped. Outlives outages of PostgreSQL and of vendors."""

    def __init__(self, desk: ReceiptDesk, *, every_s: float = 5.0) -> None:
        self._desk = desk
        self._every_s = every_s
        self._stopping = asyncio.Event()
        self._ended = asyncio.Event()
        self._ended.set()

    async def run(self) -> None:
        if not self._desk.is_needed:
            await self._stopping.wait()
            return
        self._ended.clear()
        try:
            while not self._stopping.is_set():
                if not await self._round():
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._stopping.wait(), self._every_s)
        finally:
            self._ended.set()

    async def stop(self) -> None:
        self._stopping.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), _STOP_TIMEOUT_S)

    async def _round(self) -> bool:
        """Whether there may be more to ask for at once."""
        try:
            return await self._desk.ask_some() > 0
        except DependencyDown as error:
            _log.warning("receipts_wait", error=str(error))
        except Exception:
            _log.exception("receipts_failed")
        return False
