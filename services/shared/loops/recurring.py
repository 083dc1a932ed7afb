"""A round that is done again and again: it outlives outages and faults, and ends when it is told to."""

from abc import ABC, abstractmethod

import structlog

from services.shared.kernel.refusals import DependencyDown
from services.shared.loops.stopping import Stopping

_log = structlog.get_logger(__name__)

#: How long a stop waits for a round that has begun.
_STOP_TIMEOUT_S = 5.0


class Recurring(ABC):
    """Does `round` at once, then every `interval_s`, until it is stopped.

    A round that fails is logged as `undone`, and done again after the interval: whatever it is, the other
    loops of the process must not end with it.
    """

    def __init__(self, *, interval_s: float, undone: str) -> None:
        self._interval_s = interval_s
        self._undone = undone
        self._stopping = Stopping()

    @abstractmethod
    async def round(self) -> bool:
        """Does its work; whether there may be more to do at once. Raises DependencyDown."""

    async def run(self) -> None:
        """Returns when it is stopped."""
        with self._stopping.running():
            while not self._stopping.told.is_set():
                if not await self._tried():
                    await self._stopping.pause(self._interval_s)

    async def stop(self) -> None:
        """Has `run` end with the round that it is in, which is cancelled where it takes too long."""
        await self._stopping.end(within_s=_STOP_TIMEOUT_S)

    async def _tried(self) -> bool:
        try:
            return await self.round()
        except DependencyDown as error:
            _log.warning(self._undone, error=str(error))
        except Exception:
            _log.exception(self._undone)
        return False
