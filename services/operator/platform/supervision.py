"""Starts again what has died, a bounded number of times in a row."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from services.embedded.errors import EmbeddedError
from services.operator.platform.errors import PlatformError

_POLL_S = 0.05
_BACKOFF_S = (0.05, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
#: What has run so long counts as started well: its next death begins a new row.
_STEADY_S = 3.0


class Process(Protocol):
    """What is kept running. `start` blocks."""

    @property
    def is_running(self) -> bool: ...

    def start(self) -> None: ...


class Supervisor:
    """Watches one process."""

    def __init__(self, name: str, process: Process, on_restart: Callable[[str], None]) -> None:
        """`on_restart` is told the name each time the process is up again."""
        self._name = name
        self._process = process
        self._on_restart = on_restart
        self.restarts = 0
        self._last_error = ""

    async def run(self) -> None:
        """Watches until it is cancelled. Raises PlatformError when the process does not stay up."""
        in_a_row = 0
        up_since_s = time.monotonic()
        while True:
            await asyncio.sleep(_POLL_S)
            if self._process.is_running:
                continue
            if time.monotonic() - up_since_s > _STEADY_S:
                in_a_row = 0
            if in_a_row == len(_BACKOFF_S):
                raise PlatformError(
                    f"{self._name} does not stay up: {in_a_row} restarts in a row. {self._last_error}".strip()
                )
            await asyncio.sleep(_BACKOFF_S[in_a_row])
            in_a_row += 1
            if await self._restart():
                up_since_s = time.monotonic()

    async def _restart(self) -> bool:
        starting = asyncio.create_task(asyncio.to_thread(self._process.start))
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:
            # A thread cannot be cancelled; whoever stops the process next must not meet it half started.
            await asyncio.wait({starting})
            raise
        except (PlatformError, EmbeddedError, OSError) as error:
            self._last_error = str(error)
            return False
        self.restarts += 1
        self._on_restart(self._name)
        return True


async def supervise(supervisors: Sequence[Supervisor]) -> None:
    """Watches all of them until it is cancelled. Raises the first PlatformError."""
    tasks = [asyncio.create_task(supervisor.run()) for supervisor in supervisors]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
