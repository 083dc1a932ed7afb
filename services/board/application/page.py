"""What one page waits to be told: several streams on one wire.

A browser opens six connections to a host for all its pages together, so a page has one, and each stream is a
part of what it is told there. The first part leads: its signs of life are the page's. Those of the others are
told when they were cut off before; else only the place to go on from is kept of them.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass

from services.board.application.watching import Kind, Told

#: What one page may be behind by: more than a busy night in minutes, less than a megabyte or two.
_BEHIND_MAX = 500
_SIGNS_OF_LIFE = frozenset({Kind.HEARTBEAT, Kind.CHANGE})


@dataclass(frozen=True, slots=True)
class News:
    """One thing that a page is told of one of its parts."""

    part: str
    told: Told
    #: says nothing new to a person: only the place to go on from is kept
    is_quiet: bool = False


class Page:
    """One page of a signed-in person."""

    def __init__(self, parts: tuple[str, ...], *, token: str, is_signed_in: Callable[[], bool]) -> None:
        """`token` is the person's, to begin the services' streams with."""
        self.parts = parts
        self.token = token
        self.is_signed_in = is_signed_in
        self.is_dropped = False
        self._waiting: deque[News] = deque()
        self._behind = 0
        self._woken = asyncio.Event()
        #: parts whose last word was a sign of life
        self._live: set[str] = set()

    def begin(self, part: str, told: Iterable[Told]) -> None:
        """The picture, or what came while the page was away; however long it is."""
        for each in told:
            self._put(part, each)

    def give(self, part: str, told: Told) -> None:
        """Never blocks; a page that does not take what it is given is dropped."""
        self._behind += 1
        if self._behind > _BEHIND_MAX:
            self.is_dropped = True
            self._waiting.clear()
            self._woken.set()
        if not self.is_dropped:
            self._put(part, told)

    def _put(self, part: str, told: Told) -> None:
        is_quiet = told.kind is Kind.HEARTBEAT and part != self.parts[0] and part in self._live
        if told.kind in _SIGNS_OF_LIFE:
            self._live.add(part)
        elif told.kind is not Kind.RESTART:
            self._live.discard(part)
        self._waiting.append(News(part, told, is_quiet))
        if not is_quiet:
            self._woken.set()

    async def news(self) -> AsyncGenerator[list[News], None]:
        """All that waits, again and again, until the page is dropped, or may see its leading part no more."""
        lead = self.parts[0]
        while not self.is_dropped:
            if not self.is_signed_in():
                yield [News(lead, Told(kind=Kind.REFUSED))]
                return
            if self._waiting:
                found = list(self._waiting)
                self._waiting.clear()
                self._behind = 0
                yield found
                if any(each.part == lead and each.told.kind is Kind.REFUSED for each in found):
                    return
                continue
            self._woken.clear()
            await self._woken.wait()
