"""Forgets messages, their tries and their answer links when their time is over."""

import asyncio
import contextlib

import structlog

from services.shared.database.pool import Database
from services.shared.database.sql_blocks import load_blocks
from services.shared.kernel.refusals import DependencyDown

_log = structlog.get_logger(__name__)
_SQL = load_blocks("services.notification.adapters.sql", "retention.sql")

#: One statement's share: short enough that no message waits for it.
BATCH_MAX = 1_000


class DeliveryRetention:
    """Deletes what is older than `months` until it is stopped; several processes may do so at once.

    What an audit asks (who was called when, by which step, and who answered) is in the alerts' events, which
    nothing deletes.
    """

    def __init__(self, database: Database, *, months: int, interval_s: float = 3600.0) -> None:
        self._database = database
        self._months = months
        self._interval_s = interval_s
        self._stopping = asyncio.Event()

    async def stop(self) -> None:
        """Ends `run`."""
        self._stopping.set()

    async def run(self) -> None:
        """Looks at once, then every interval; outlives outages."""
        while not self._stopping.is_set():
            try:
                while await self.forget() == BATCH_MAX and not self._stopping.is_set():
                    pass
            except DependencyDown:
                _log.warning("deliveries_not_forgotten")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._interval_s)

    async def forget(self, limit: int = BATCH_MAX) -> int:
        """Deletes a bounded number of the oldest ones; returns how many. Raises DependencyDown."""
        deleted = int(await self._database.fetch_value(_SQL["forget_deliveries"], self._months, limit))
        if deleted:
            _log.info("deliveries_forgotten", deliveries=deleted)
        return deleted
