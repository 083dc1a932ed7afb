"""Forgets who looked at what when its time is over."""

import asyncio
import contextlib

import structlog

from services.shared.database.pool import Database
from services.shared.database.sql_blocks import load_blocks
from services.shared.kernel.refusals import DependencyDown

_log = structlog.get_logger(__name__)
_SQL = load_blocks("services.referral.adapters.sql", "views.sql")

#: One statement's share: short enough that nobody who reads waits for it.
BATCH_MAX = 5_000


class ViewRetention:
    """Deletes views that are older than `months` until it is stopped; several processes may do so at once."""

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
                _log.warning("views_not_forgotten")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._interval_s)

    async def forget(self) -> int:
        """Deletes a bounded number of the oldest ones; returns how many. Raises DependencyDown."""
        status = await self._database.execute(_SQL["forget_views"], self._months, BATCH_MAX)
        deleted = int(status.rpartition(" ")[2])
        if deleted:
            _log.info("views_forgotten", views=deleted)
        return deleted
