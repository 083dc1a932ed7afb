"""A loop outlives what its round meets, waits between rounds, and ends when it is told to."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from services.shared.kernel.refusals import DependencyDown
from services.shared.loops.recurring import Recurring

#: Longer than any test: a loop that waits so long is waiting.
FOR_EVER_S = 3600.0


class Rounds(Recurring):
    """Each round does the next of what it was given, and then nothing; it says when all is done."""

    def __init__(self, *rounds: Callable[[], Awaitable[bool]], interval_s: float = 0.0) -> None:
        super().__init__(interval_s=interval_s, undone="nothing_done")
        self._rounds = list(rounds)
        self.count = 0
        self.done = asyncio.Event()

    async def round(self) -> bool:
        self.count += 1
        if not self._rounds:
            self.done.set()
            return False
        return await self._rounds.pop(0)()


async def more() -> bool:
    return True


async def enough() -> bool:
    return False


async def away() -> bool:
    raise DependencyDown("postgres", "away")


async def broken() -> bool:
    raise ValueError("a fault of ours")


async def run_until_done(loop: Rounds) -> None:
    running = asyncio.create_task(loop.run())
    await asyncio.wait_for(loop.done.wait(), 5)
    await loop.stop()
    await asyncio.wait_for(running, 5)


@pytest.mark.parametrize("trouble", [away, broken])
async def test_it_goes_on_after_trouble(trouble: Callable[[], Awaitable[bool]]) -> None:
    loop = Rounds(trouble, trouble)
    await run_until_done(loop)
    assert loop.count >= 3


async def test_while_there_is_more_it_does_not_wait() -> None:
    loop = Rounds(more, more, interval_s=FOR_EVER_S)
    await run_until_done(loop)
    assert loop.count == 3


@pytest.mark.parametrize("last", [enough, away, broken])
async def test_it_waits_between_rounds_and_after_trouble(last: Callable[[], Awaitable[bool]]) -> None:
    loop = Rounds(last, interval_s=FOR_EVER_S)
    running = asyncio.create_task(loop.run())
    for _ in range(20):
        await asyncio.sleep(0)
    assert loop.count == 1
    await loop.stop()
    await asyncio.wait_for(running, 5)
    assert loop.count == 1, "a stop cuts the wait short"


async def test_a_stop_waits_for_the_round_that_has_begun() -> None:
    begun, goes_on, finished = asyncio.Event(), asyncio.Event(), False

    async def long() -> bool:
        nonlocal finished
        begun.set()
        await goes_on.wait()
        finished = True
        return True

    loop = Rounds(long)
    running = asyncio.create_task(loop.run())
    await asyncio.wait_for(begun.wait(), 5)
    stopping = asyncio.create_task(loop.stop())
    await asyncio.sleep(0)
    goes_on.set()
    await asyncio.wait_for(stopping, 5)
    assert finished and loop.count == 1
    await asyncio.wait_for(running, 5)


async def test_a_stop_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.shared.loops.recurring._STOP_TIMEOUT_S", 0.01)
    begun = asyncio.Event()

    async def hangs() -> bool:
        begun.set()
        await asyncio.Event().wait()
        return False

    running = asyncio.create_task((loop := Rounds(hangs)).run())
    await asyncio.wait_for(begun.wait(), 5)
    await asyncio.wait_for(loop.stop(), 5)
    assert running.done() and running.cancelled(), "the round is cut off"


async def test_one_that_is_stopped_before_it_runs_does_nothing() -> None:
    loop = Rounds(more)
    await asyncio.wait_for(loop.stop(), 5)
    await asyncio.wait_for(loop.run(), 5)
    assert loop.count == 0
