"""How fast records are sent again."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

_SPEED = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)x?")


class BadSpeed(ValueError):
    """A text that is no speed."""


def read_speed(text: str) -> float:
    """`10x`, `0.5x` or `10`. Raises BadSpeed."""
    found = _SPEED.fullmatch(text)
    if found is None or float(found[1]) == 0:
        raise BadSpeed(f"{text}: 1x, 10x, 0.5x")
    return float(found[1])


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """What holds records back; where both do, the slower one counts. Without either, as fast as it goes."""

    #: the original distances are divided by this
    speed: float | None = None
    #: records a second
    rate: float | None = None

    def takes_s(self, count: int, span: timedelta) -> float | None:
        """Seconds for so many records whose first and last are so far apart; None without a pace."""
        bounds = []
        if self.speed is not None:
            bounds.append(span.total_seconds() / self.speed)
        if self.rate is not None:
            bounds.append(count / self.rate)
        return max(bounds, default=None)


class Pacer:
    """Says when each record is due, counted from the first one."""

    def __init__(
        self,
        pace: Pace,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._pace = pace
        self._clock = clock
        self._sleep = sleep
        self._begun_s: float | None = None
        self._first: datetime | None = None
        self._count = 0

    async def wait(self, recorded: datetime) -> None:
        """Returns when the next record, recorded then, is due. One that is late is due at once."""
        wait_s = self.wait_s(recorded)
        if wait_s > 0:
            await self._sleep(wait_s)

    def wait_s(self, recorded: datetime) -> float:
        """Seconds until a record that was recorded then is due, as the next one; negative when it is late."""
        now_s = self._clock()
        if self._begun_s is None or self._first is None:
            self._begun_s, self._first = now_s, recorded
        due_s = self._begun_s
        if self._pace.speed is not None:
            due_s += (recorded - self._first).total_seconds() / self._pace.speed
        if self._pace.rate is not None:
            due_s = max(due_s, self._begun_s + self._count / self._pace.rate)
        return due_s - now_s

    def taken(self) -> None:
        """The record that was asked for is on its way."""
        self._count += 1
