"""The time of day of a process, which does not jump when the system's does.

Somebody sets the machine's clock, or a time server steps it: every moment that a process then wrote would be
wrong by as much. Deadlines would be late by hours, Kafka would refuse records of the future, and an audit
would accuse events of being back-dated. So the system's clock is read once. From then on a clock that counts
from the start of the machine goes on from there, and the database is asked where the truth lies: it decides
what is due, and all processes of a service have the same one.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime


def steady_s() -> float:
    """Seconds that go on while the process is stopped and, where the system offers it, the machine asleep."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class DayClock:
    """Of one process. `agree` is called by one task; the rest by any."""

    def __init__(
        self, *, system_s: Callable[[], float] = time.time, steady: Callable[[], float] = steady_s
    ) -> None:
        self._steady = steady
        self._ahead_s = system_s() - steady()

    def now(self) -> datetime:
        """UTC."""
        return datetime.fromtimestamp(self._ahead_s + self._steady(), UTC)

    def seconds(self) -> float:
        """Since 1970-01-01 UTC."""
        return self._ahead_s + self._steady()

    def asked_at(self) -> float:
        """For `agree`: when another clock was asked."""
        return self._steady()

    def agree(self, theirs: datetime, asked_at_s: float) -> float:
        """Goes by a clock that was asked then, and has answered now; returns by how many seconds it moved.

        The other clock was read somewhere between question and answer, so an answer that took long moves it
        by no more than is certain.
        """
        other_s = theirs.timestamp()
        least_s, most_s = other_s - self._steady(), other_s - asked_at_s
        before_s = self._ahead_s
        self._ahead_s = min(max(before_s, least_s), most_s)
        return self._ahead_s - before_s


#: A process has one, as its system has.
DAY_CLOCK = DayClock()
