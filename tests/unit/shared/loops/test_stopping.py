"""A loop ends when it is told to, and is cancelled when it does not."""

import asyncio
import time

import pytest

from services.shared.loops.stopping import Stopping, comes_within

#: Longer than any test may take: who waits for so long was not woken.
_LONG_S = 30.0


class Counting:
    """A loop that pauses between rounds and takes a while to leave."""

    def __init__(self, *, leaves_for_s: float = 0.0) -> None:
        self.stopping = Stopping()
        self.rounds = 0
        self.has_left = False
        self._leaves_for_s = leaves_for_s

    async def run(self) -> None:
        with self.stopping.running():
            try:
                while not self.stopping.told.is_set():
                    self.rounds += 1
                    await self.stopping.pause(_LONG_S)
            finally:
                await asyncio.sleep(self._leaves_for_s)
                self.has_left = True


async def begun(loop: Counting) -> "asyncio.Task[None]":
    task = asyncio.create_task(loop.run())
    await asyncio.sleep(0)
    return task


async def test_it_is_woken_from_its_pause_and_awaited_until_it_has_left() -> None:
    loop = Counting(leaves_for_s=0.05)
    task = await begun(loop)
    await asyncio.wait_for(loop.stopping.end(within_s=_LONG_S), 5.0)
    assert (loop.rounds, loop.has_left) == (1, True)
    await task


async def test_one_that_does_not_end_within_the_bound_is_cancelled_and_has_ended_then() -> None:
    loop = Counting(leaves_for_s=_LONG_S)
    task = await begun(loop)
    since_s = time.monotonic()
    await asyncio.wait_for(loop.stopping.end(within_s=0.05), 5.0)
    assert time.monotonic() - since_s >= 0.05
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not loop.has_left


async def test_one_that_was_never_run_is_not_waited_for_and_ends_as_it_begins() -> None:
    loop = Counting()
    await asyncio.wait_for(loop.stopping.end(within_s=_LONG_S), 5.0)
    await loop.run()
    assert (loop.rounds, loop.has_left) == (0, True)


async def test_one_that_failed_has_ended() -> None:
    stopping = Stopping()

    async def run() -> None:
        with stopping.running():
            raise ValueError("a fault of the program")

    with pytest.raises(ValueError, match="a fault"):
        await asyncio.create_task(run())
    await asyncio.wait_for(stopping.end(within_s=_LONG_S), 5.0)


async def test_what_comes_is_told_from_what_does_not() -> None:
    event = asyncio.Event()
    assert not await comes_within(event, 0.01)
    asyncio.get_running_loop().call_later(0.01, event.set)
    assert await comes_within(event, _LONG_S)


async def test_what_takes_long_is_given_up_when_the_loop_is_told_to_end() -> None:
    stopping, begun, closed = Stopping(), asyncio.Event(), asyncio.Event()

    async def join() -> str:
        begun.set()
        try:
            await asyncio.sleep(_LONG_S)
            return "joined"
        finally:
            await asyncio.sleep(0)
            closed.set()

    joining = asyncio.create_task(stopping.unless_told(join(), grace_s=0.01))
    await begun.wait()
    stopping.told.set()
    assert await asyncio.wait_for(joining, 5.0) is None
    assert closed.is_set()


async def test_what_is_done_before_that_is_given_or_raised() -> None:
    stopping = Stopping()
    assert await stopping.unless_told(asyncio.sleep(0, "joined"), grace_s=0.0) == "joined"

    async def fail() -> None:
        raise ValueError("no broker")

    with pytest.raises(ValueError, match="no broker"):
        await stopping.unless_told(fail(), grace_s=0.0)


async def test_who_is_cancelled_cancels_it() -> None:
    stopping, begun, closed = Stopping(), asyncio.Event(), asyncio.Event()

    async def join() -> None:
        begun.set()
        try:
            await asyncio.sleep(_LONG_S)
        finally:
            closed.set()

    joining = asyncio.create_task(stopping.unless_told(join(), grace_s=0.01))
    await begun.wait()
    joining.cancel()
    with pytest.raises(asyncio.CancelledError):
        await joining
    assert closed.is_set()


async def test_what_is_almost_done_is_let_end() -> None:
    stopping, connected = Stopping(), asyncio.Event()

    async def connect() -> str:
        await connected.wait()
        return "connected"

    stopping.told.set()
    connecting = asyncio.create_task(stopping.unless_told(connect(), grace_s=_LONG_S))
    await asyncio.sleep(0.01)
    connected.set()
    assert await asyncio.wait_for(connecting, 5.0) == "connected"
