"""Forgets messages, their tries and their answer links when their time is over."""

import structlog

from services.shared.database.pool import Database
from services.shared.database.sql_blocks import load_blocks
from services.shared.loops.recurring import Recurring

_log = structlog.get_logger(__name__)
_SQL = load_blocks("services.notification.adapters.sql", "retention.sql")

#: One statement's share: short enough that no message waits for it.
BATCH_MAX = 1_000


class DeliveryRetention(Recurring):
    """Deletes what is older than `months` until it is stopped; several processes may do so at once.

    What an audit asks (who was called when, by which step, and who answered) is in the alerts' events, which
    nothing deletes.
    """

    def __init__(self, database: Database, *, months: int, interval_s: float = 3600.0) -> None:
        super().__init__(interval_s=interval_s, undone="deliveries_not_forgotten")
        self._database = database
        self._months = months

    async def round(self) -> bool:
        """Whether a whole batch went, so that there may be more."""
        return await self.forget() == BATCH_MAX

    async def forget(self, limit: int = BATCH_MAX) -> int:
        """Deletes a bounded number of the oldest ones; returns how many. Raises DependencyDown."""
        deleted = int(await self._database.fetch_value(_SQL["forget_deliveries"], self._months, limit))
        if deleted:
            _log.info("deliveries_forgotten", deliveries=deleted)
        return deleted
