"""Gathers what concurrent callers submit into batches: while one batch is on its way, the next one fills."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from services.shared.kernel.refusals import DependencyDown, Overloaded

I = TypeVar("I")  # noqa: E741 - the item, beside the result
R = TypeVar("R")


class Batcher(Generic[I, R]):
    """Calls `work` with at most `batch_max` items; at most `flights_max` calls are under way at once.

    A call costs more than what it carries, so beside one under way another starts only when `crowd_min` wait,
    half a batch where it is not said: until then, whoever comes shares the next.

    A caller that is cancelled does not undo what is under way: its item's outcome is then unknown to it.
    """

    def __init__(
        self,
        work: Callable[[Sequence[I]], Awaitable[Sequence[R | Exception]]],
        *,
        batch_max: int,
        queue_max: int,
        name: str,
        flights_max: int = 2,
        crowd_min: int | None = None,
        gathering_s: float = 0.0,
    ) -> None:
        self._work = work
        self._batch_max = batch_max
        self._queue_max = queue_max
        self._name = name
        self._flights_max = flights_max
        self._crowd_min = (batch_max + 1) // 2 if crowd_min is None else crowd_min
        self._gathering_s = gathering_s
        self._waiting: deque[tuple[I, asyncio.Future[R]]] = deque()
        self._flights: set[asyncio.Task[None]] = set()
        self._closed = False

    async def submit(self, item: I) -> R:
        """Raises Overloaded when the queue is full, DependencyDown when closed, or what `work` says."""
        if self._closed:
            raise DependencyDown(self._name, "shutting down")
        if len(self._waiting) >= self._queue_max:
            raise Overloaded(f"{self._name}: {self._queue_max} units wait already")
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        self._launch_if_due()
        return await future

    def _launch_if_due(self) -> None:
        is_crowded = len(self._waiting) >= self._crowd_min
        if not self._flights or (is_crowded and len(self._flights) < self._flights_max):
            self._launch()

    def _launch(self) -> None:
        flight = asyncio.create_task(self._fly(), name=f"{self._name}-batch")
        self._flights.add(flight)
        flight.add_done_callback(self._landed)

    def _landed(self, flight: asyncio.Task[None]) -> None:
        self._flights.discard(flight)
        if self._waiting:
            self._launch_if_due()

    async def _fly(self) -> None:
        is_alone = len(self._waiting) < 2
        await asyncio.sleep(0 if is_alone else self._gathering_s)
        batch = [self._waiting.popleft() for _ in range(min(self._batch_max, len(self._waiting)))]
        if not batch:
            return
        try:
            results = await self._work([item for item, _ in batch])
        except asyncio.CancelledError:
            _settle_all(batch, DependencyDown(self._name, "stopped; the outcome is unknown"))
            raise
        except Exception as error:  # every caller must hear of it, whatever it is
            _settle_all(batch, error)
            return
        for (_, future), result in zip(batch, results, strict=True):
            if future.done():
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)

    async def close(self) -> None:
        """Lets what is under way land; refuses what comes after."""
        self._closed = True
        while self._flights or self._waiting:
            if not self._flights:
                self._launch()
            await asyncio.wait(self._flights)


def _settle_all(batch: Sequence[tuple[I, "asyncio.Future[R]"]], error: Exception) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
