"""The end of a long-lived loop: told to end, awaited within a bound, cancelled past it."""

import asyncio
import contextlib
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

T = TypeVar("T")


async def comes_within(event: asyncio.Event, timeout_s: float) -> bool:
    """Waits for `event`, `timeout_s` seconds at most; says whether it has come."""
    try:
        await asyncio.wait_for(event.wait(), timeout_s)
    except TimeoutError:
        return False
    return True


class Stopping:
    """Of one loop: its `run` works within `running()` until `told` is set, which `end` does.

    async def run(self):
        with self._stopping.running():
            while not self._stopping.told.is_set():
                ...
                await self._stopping.pause(1.0)

    async def stop(self):
        await self._stopping.end(within_s=5.0)
    """

    def __init__(self) -> None:
        #: set when the loop is to end
        self.told = asyncio.Event()
        self._ended = asyncio.Event()
        self._task: asyncio.Task[object] | None = None

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Around all of the loop's work, what it does on leaving included."""
        self._task = asyncio.current_task()
        self._ended.clear()
        try:
            yield
        finally:
            self._ended.set()

    async def pause(self, timeout_s: float) -> None:
        """Sleeps, and wakes at once when the loop is told to end."""
        await comes_within(self.told, timeout_s)

    async def unless_told(self, work: Coroutine[Any, Any, T], *, grace_s: float) -> T | None:
        """What `work` comes to, or None when the loop is told to end before that: then it is cancelled.

        For what may take long and begins nothing that would be missed. What would end within `grace_s` of
        that is let end: not everybody who is cancelled in the middle closes what he has opened. Raises what
        `work` raises.
        """
        working = asyncio.ensure_future(work)
        told = asyncio.ensure_future(self.told.wait())
        try:
            await asyncio.wait((working, told), return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                await asyncio.wait((working,), timeout=grace_s)
            if working.done():
                return working.result()
            return None
        finally:
            told.cancel()
            working.cancel()
            # It may have to close what it has opened; nobody asks any more how it ended.
            await asyncio.gather(working, told, return_exceptions=True)

    async def end(self, *, within_s: float) -> None:
        """Tells the loop to end and returns when it has; one that has not within the bound is cancelled.

        A loop that was never run is told all the same, and ends as it begins.
        """
        self.told.set()
        if self._task is None or await comes_within(self._ended, within_s):
            return
        self._task.cancel()
        await self._ended.wait()
