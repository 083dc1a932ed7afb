"""Answers by link: what the board asks on behalf of whoever has one, and how often it lets somebody try."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from services.board.application.platform import Resource

#: Callers remembered; the one that was here longest ago is forgotten first.
_CALLERS_MAX = 10_000


class OneTap(Protocol):
    """Raises PlatformRefused: NOT_FOUND for every link that is not in force."""

    async def look(self, code: str) -> Resource:
        """What a link asks. Changes nothing."""

    async def answer(self, code: str, action: str, reason: str) -> None:
        """Acts by a link, as the person whom it was sent to."""


@dataclass(slots=True)
class _Caller:
    left: float
    at_s: float


class Allowance:
    """So many tries a minute for each caller, and no burst of more."""

    def __init__(self, *, per_minute: int, clock: Callable[[], float]) -> None:
        """`clock` gives seconds and never goes back."""
        self._per_minute = per_minute
        self._clock = clock
        self._callers: OrderedDict[str, _Caller] = OrderedDict()

    def take(self, caller: str) -> bool:
        """Whether the caller may try once more now."""
        now_s = self._clock()
        known = self._callers.get(caller)
        if known is None:
            known = self._callers[caller] = _Caller(left=self._per_minute, at_s=now_s)
        self._callers.move_to_end(caller)
        while len(self._callers) > _CALLERS_MAX:
            self._callers.popitem(last=False)
        regained = (now_s - known.at_s) * self._per_minute / 60
        known.left, known.at_s = min(self._per_minute, known.left + regained), now_s
        if known.left < 1:
            return False
        known.left -= 1
        return True
