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
    """On the lines of one stand. Each answers whether it came to anything."""

    def __init__(self, stand: Stand) -> None:
        self._stand = stand

    async def cut(self, fault: Fault) -> bool:
        lines = [each.postgres for name, each in self._stand.lines.items() if name.startswith(fault.target)]
        for line in lines:
            line.cut()
        try:
            await asyncio.sleep(fault.lasts_s)
        finally:
            for line in lines:
                line.mend()
        return True

    async def half_open(self, fault: Fault) -> bool:
        line = self._stand.lines[fault.target].to(fault.detail)
        line.lose()
        try:
            await asyncio.sleep(fault.lasts_s)
        finally:
            line.mend()
        return True

    async def delay(self, fault: Fault) -> bool:
        line = self._stand.lines[fault.target].to(fault.detail)
        line.delay(_SLOW)
        try:
            await asyncio.sleep(fault.lasts_s)
        finally:
            line.mend()
        return True

    async def death(self, fault: Fault) -> bool:
        """False when the process did not come to the place in time."""

        def kill() -> None:
            with suppress(ProcessLookupError, PlatformError):
                os.kill(self._stand.pid(fault.target), signal.SIGKILL)

        return await self._trapped(fault, kill)

    async def reset(self, fault: Fault) -> bool:
        """What is known to be committed is not told: the line resets the connection instead."""
        return await self._trapped(fault, lambda: None)

    async def _trapped(self, fault: Fault, spring: Callable[[], None]) -> bool:
        place = Place(fault.detail)
        line: Line = self._stand.lines[fault.target].at(place)
        trap = Trap(place, fault.count, spring)
        async with line.trapped(trap):
            with suppress(TimeoutError):
                await asyncio.wait_for(trap.sprung.wait(), fault.lasts_s)
        return trap.sprung.is_set()
