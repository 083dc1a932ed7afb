"""What is done on the lines between processes and servers: cuts, silence, delays, and deaths at a place."""

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress

from services.operator.platform.errors import PlatformError
from tests.faults.line import Delay, Line, Trap
from tests.faults.schedule import Fault
from tests.faults.stand import Stand
from tests.faults.wire import Place

#: What a packet waits for while a line is slow.
_SLOW = Delay(least_s=0.0, most_s=0.25)


class LineFaults:
    """On the lines of one stand. Each says what it came to, if it came to anything."""

    def __init__(self, stand: Stand) -> None:
        self._stand = stand

    async def cut(self, fault: Fault) -> str:
        lines = [each.postgres for name, each in self._stand.lines.items() if name.startswith(fault.target)]
        before = sum(line.resets_count for line in lines)
        for line in lines:
            line.cut()
        await self._mended_after(fault.lasts_s, *lines)
        return _so_many(sum(line.resets_count for line in lines) - before, "connections reset")

    async def half_open(self, fault: Fault) -> str:
        line = self._stand.lines[fault.target].to(fault.detail)
        before = line.swallowed_bytes
        line.lose()
        await self._mended_after(fault.lasts_s, line)
        return _so_many(line.swallowed_bytes - before, "bytes swallowed")

    async def delay(self, fault: Fault) -> str:
        line = self._stand.lines[fault.target].to(fault.detail)
        before = line.delayed_count
        line.delay(_SLOW)
        await self._mended_after(fault.lasts_s, line)
        return _so_many(line.delayed_count - before, "pieces delayed")

    async def death(self, fault: Fault) -> str:
        """Nothing when the process did not come to the place in time."""

        def kill() -> None:
            with suppress(ProcessLookupError, PlatformError):
                os.kill(self._stand.pid(fault.target), signal.SIGKILL)

        return await self._trapped(fault, kill)

    async def reset(self, fault: Fault) -> str:
        """What is known to be committed is not told: the line resets the connection instead."""
        return await self._trapped(fault, lambda: None)

    async def _mended_after(self, lasts_s: float, *lines: Line) -> None:
        try:
            await asyncio.sleep(lasts_s)
        finally:
            for line in lines:
                line.mend()

    async def _trapped(self, fault: Fault, spring: Callable[[], None]) -> str:
        place = Place(fault.detail)
        line: Line = self._stand.lines[fault.target].at(place)
        trap = Trap(place, fault.count, spring)
        async with line.trapped(trap):
            with suppress(TimeoutError):
                await asyncio.wait_for(trap.sprung.wait(), fault.lasts_s)
        return f"at its place for the {fault.count}. time" if trap.sprung.is_set() else ""


def _so_many(count: int, what: str) -> str:
    return f"{count} {what}" if count else ""
