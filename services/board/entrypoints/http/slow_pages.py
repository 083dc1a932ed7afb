"""Pages that do not take what they are sent: they are cut off, and come back with their last id.

One clock looks at all of them. A time limit on each message of each page, as sse-starlette has it, was a
third of this process's work while an alert went to 500 pages.
"""

import asyncio
from collections.abc import AsyncGenerator

import structlog
from sse_starlette import EventSourceResponse
from starlette.types import Message, Receive, Scope, Send

_log = structlog.get_logger(__name__)


class PageTooSlow(Exception):
    """A page took too long for one message."""


class SlowPages:
    """Ends the messages that take too long."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        #: since when each task sends, in the loop's time, oldest first
        self._sending: dict[asyncio.Task[object], float] = {}
        self._late: set[asyncio.Task[object]] = set()
        self._looking: asyncio.TimerHandle | None = None

    async def send(self, send: Send, message: Message) -> None:
        """Raises PageTooSlow."""
        task = asyncio.current_task()
        assert task is not None
        loop = asyncio.get_running_loop()
        self._sending[task] = loop.time()
        if self._looking is None:
            self._looking = loop.call_later(self._limit_s / 4, self._look)
        try:
            await send(message)
        except asyncio.CancelledError:
            if task not in self._late:
                raise
            task.uncancel()
            raise PageTooSlow from None
        finally:
            self._sending.pop(task, None)
            self._late.discard(task)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        self._looking = None
        until_s = loop.time() - self._limit_s
        for task, since_s in self._sending.items():
            if since_s < until_s:
                self._late.add(task)
                task.cancel()
        if self._sending:
            self._looking = loop.call_later(self._limit_s / 4, self._look)


class PageStream(EventSourceResponse):
    """The response to a page: events until it leaves, is too slow, or there is nothing more to tell."""

    def __init__(self, content: AsyncGenerator[bytes, None], slow: SlowPages) -> None:
        # The rhythm of the streams sends signs of life that pages can see; comments they cannot.
        super().__init__(content, ping=0, headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        self._slow = slow

    async def _send_with_timeout(self, send: Send, message: Message) -> None:
        # Without the limit of its own that sse-starlette would put around each message: `timed` has it.
        await send(message)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def timed(message: Message) -> None:
            await self._slow.send(send, message)

        try:
            await super().__call__(scope, receive, timed)
        except PageTooSlow:
            _log.info("page_too_slow")
