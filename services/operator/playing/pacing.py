"""How fast a case is played."""

import asyncio
import time
from datetime import timedelta


class Pace:
    """Waits so that the case's time passes `speed` times as fast as real time; never without a speed."""

    def __init__(self, speed: float | None, begin: timedelta) -> None:
        """`begin` is the clinical time at which the first step is taken."""
        self._speed = speed
        self._latest = begin
        self._begin = begin
        self._started_s = time.monotonic()

    async def reach(self, at: timedelta) -> None:
        """Returns when it is that time in the case. What is recorded late is recorded at once."""
        self._latest = max(self._latest, at)
        if self._speed is None:
            return
        due_s = self._started_s + (self._latest - self._begin).total_seconds() / self._speed
        await asyncio.sleep(max(0.0, due_s - time.monotonic()))
