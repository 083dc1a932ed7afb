"""Keeps a process's time of day with its database's."""

import structlog

from services.shared.clocks.day_clock import DayClock
from services.shared.database.pool import CALLERS_WAIT_S, Database
from services.shared.loops.recurring import Recurring

_log = structlog.get_logger(__name__)

#: Both clocks are steady; what differs meanwhile is microseconds.
_ASKED_EVERY_S = 10.0
#: More than this is no matter of how long a question takes.
_SAID_FROM_S = 0.5


class ClockAgreement(Recurring):
    """Asks the database what time it is, again and again; while it is away the clock goes on by itself."""

    def __init__(self, clock: DayClock, database: Database, *, asked_every_s: float = _ASKED_EVERY_S) -> None:
        super().__init__(interval_s=asked_every_s, undone="database_time_not_read")
        self._clock = clock
        self._database = database

    async def round(self) -> bool:
        """One question. Raises DependencyDown."""
        async with self._database.connection() as connection:
            # A connection that is made first would make the answer look slow.
            asked_at_s = self._clock.asked_at()
            theirs = await connection.fetchval("SELECT clock_timestamp()", timeout=CALLERS_WAIT_S)
            moved_s = self._clock.agree(theirs, asked_at_s)
        if abs(moved_s) > _SAID_FROM_S:
            _log.warning("clock_follows_the_database", moved_s=round(moved_s, 3))
        return False
