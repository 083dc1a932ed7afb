"""Forgets who looked at what when its time is over."""

import structlog

from services.shared.database.pool import Database
from services.shared.database.sql_blocks import load_blocks
from services.shared.loops.recurring import Recurring

_log = structlog.get_logger(__name__)
_SQL = load_blocks("services.referral.adapters.sql", "views.sql")

#: One statement's share: short enough that nobody who reads waits for it.
BATCH_MAX = 5_000


class ViewRetention(Recurring):
    """Deletes views that are older than `months` until it is stopped; several processes may do so at once."""

    def __init__(self, database: Database, *, months: int, interval_s: float = 3600.0) -> None:
        super().__init__(interval_s=interval_s, undone="views_not_forgotten")
        self._database = database
        self._months = months

    async def round(self) -> bool:
        """Whether a whole batch went, so that there may be more."""
        return await self.forget() == BATCH_MAX

    async def forget(self) -> int:
        """Deletes a bounded number of the oldest ones; returns how many. Raises DependencyDown."""
        status = await self._database.execute(_SQL["forget_views"], self._months, BATCH_MAX)
        deleted = int(status.rpartition(" ")[2])
        if deleted:
            _log.info("views_forgotten", views=deleted)
        return deleted
