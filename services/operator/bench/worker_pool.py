"""Worker processes that are lent, one after the other, to whoever has something done by them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Self

from services.operator.bench.worker_process import Worker

_FORGET_TIMEOUT_S = 30.0


class WorkerPool:
    """Starts a process when all that there are have been lent. `async with` ends them all."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._exits = AsyncExitStack()
        self._idle: list[Worker] = []
        self._started = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._exits.aclose()

    @asynccontextmanager
    async def borrowed(self, name: str) -> AsyncIterator[Worker]:
        """A process that has nothing open, for the time of the block; `name` is for what it says of failures.

        One that failed is not lent again.
        """
        worker = self._idle.pop() if self._idle else await self._start()
        worker.name = name
        yield worker
        # An error of the block never gets here: who knows what that process is still at.
        await worker.do("forget", timeout_s=_FORGET_TIMEOUT_S)
        self._idle.append(worker)

    async def _start(self) -> Worker:
        self._started += 1
        return await self._exits.enter_async_context(Worker(self._logs / f"{self._started}.log"))
