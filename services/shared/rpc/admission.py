"""How much a process takes on at once, and how it stops taking on more.

Two bounds, because they starve differently: calls end in milliseconds, streams stay open for hours.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from services.shared.kernel.refusals import DependencyDown, Overloaded

_STOPPING = "the server is stopping; ask again, another one answers"


class StreamSlot:
    """One open stream's place. A drain interrupts its handler where it waits, never in mid-write."""

    def __init__(self, task: asyncio.Task[Any], stopping: Callable[[], bool]) -> None:
        self._task = task
        self._stopping = stopping
        self._waiting = False
        self._interrupted = False

    def begin_waiting(self) -> None:
        """From here on a drain may cancel the task. Raises DependencyDown when the drain has begun."""
        if self._stopping():
            raise DependencyDown("server", _STOPPING)
        self._waiting = True

    def end_waiting(self) -> None:
        self._waiting = False

    def interrupt(self) -> None:
        if self._waiting and not self._interrupted:
            self._interrupted = True
            self._task.cancel()

    def explain_cancellation(self) -> None:
        """Called with a CancelledError in hand: raises DependencyDown when only the drain caused it."""
        # A caller that went away in the same moment has cancelled once more, and that one counts.
        if self._interrupted and self._task.uncancel() == 0:
            raise DependencyDown("server", _STOPPING)


class Admission:
    """Counts the calls and streams of one server, refuses those over the bounds, and drains.

    Used from one event loop only. A call is counted until its response has left, not only until its handler
    returned, so that `wait_until_idle` means that nobody waits for an answer.
    """

    def __init__(self, *, calls_max: int, streams_max: int) -> None:
        """Raises ValueError unless both bounds are positive."""
        if calls_max < 1 or streams_max < 1:
            raise ValueError(f"bounds must be positive: calls_max={calls_max}, streams_max={streams_max}")
        self.calls_max = calls_max
        self.streams_max = streams_max
        self.calls = 0
        self._streams: set[StreamSlot] = set()
        self._stopping = False
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def streams(self) -> int:
        return len(self._streams)

    @property
    def stopping(self) -> bool:
        return self._stopping

    def enter_call(self) -> None:
        """Counts a call in. Raises Overloaded over the bound, DependencyDown while stopping."""
        if self._stopping:
            raise DependencyDown("server", _STOPPING)
        if self.calls >= self.calls_max:
            raise Overloaded(f"{self.calls_max} calls are in progress")
        self.calls += 1
        self._idle.clear()

    def leave_call(self) -> None:
        self.calls -= 1
        assert self.calls >= 0, "a call left that never entered"
        self._note_idle()

    def open_stream(self) -> StreamSlot:
        """A place for a stream. Raises Overloaded over the bound, DependencyDown while stopping."""
        if self._stopping:
            raise DependencyDown("server", _STOPPING)
        if len(self._streams) >= self.streams_max:
            raise Overloaded(f"{self.streams_max} streams are open", retry_after_s=5.0)
        task = asyncio.current_task()
        assert task is not None, "a stream is served by a task"
        slot = StreamSlot(task, lambda: self._stopping)
        self._streams.add(slot)
        self._idle.clear()
        return slot

    def close_stream(self, slot: StreamSlot) -> None:
        self._streams.remove(slot)
        self._note_idle()

    def stop(self) -> None:
        """Refuses what is new and ends the open streams; calls in progress go on."""
        self._stopping = True
        for slot in tuple(self._streams):
            slot.interrupt()

    async def wait_until_idle(self) -> None:
        """Returns when no call and no stream is left."""
        await self._idle.wait()

    def _note_idle(self) -> None:
        if self.calls == 0 and not self._streams:
            self._idle.set()
