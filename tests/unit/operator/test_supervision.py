"""What dies is started again, a bounded number of times in a row."""

import asyncio

import pytest

from services.operator.platform import supervision
from services.operator.platform.errors import PlatformError
from services.operator.platform.supervision import Supervisor, supervise


class FakeProcess:
    """Dies when it is told to; a start fails so often as it is told."""

    def __init__(self) -> None:
        self.is_running = True
        self.starts = 0
        self.failing = 0

    def start(self) -> None:
        self.starts += 1
        if self.failing > 0:
            self.failing -= 1
            raise PlatformError("not now")
        self.is_running = True


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "_POLL_S", 0.001)
    monkeypatch.setattr(supervision, "_BACKOFF_S", (0.001,) * 5)


async def _until(condition: asyncio.Event) -> None:
    async with asyncio.timeout(5):
        await condition.wait()


async def _supervised(process: FakeProcess, told: list[str], again: asyncio.Event) -> asyncio.Task[None]:
    def note(name: str) -> None:
        told.append(name)
        again.set()

    return asyncio.create_task(supervise([Supervisor("bed", process, note)]))


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_process_that_dies_is_started_again() -> None:
    process, told, again = FakeProcess(), [], asyncio.Event()
    task = await _supervised(process, told, again)
    process.is_running = False
    await _until(again)
    assert (process.starts, process.is_running, told) == (1, True, ["bed"])
    await _end(task)


async def test_a_start_that_fails_is_tried_again() -> None:
    process, told, again = FakeProcess(), [], asyncio.Event()
    process.failing = 3
    process.is_running = False
    task = await _supervised(process, told, again)
    await _until(again)
    assert process.starts == 4
    await _end(task)


async def test_a_process_that_never_comes_up_is_given_up() -> None:
    process, told, again = FakeProcess(), [], asyncio.Event()
    process.failing = 100
    process.is_running = False
    task = await _supervised(process, told, again)
    with pytest.raises(PlatformError, match=r"bed does not stay up: 5 restarts in a row\. not now"):
        async with asyncio.timeout(5):
            await task
    assert process.starts == 5
    assert told == []


async def test_a_process_that_was_up_for_long_begins_a_new_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "_STEADY_S", 0.0)
    process, told, again = FakeProcess(), [], asyncio.Event()
    task = await _supervised(process, told, again)
    for _ in range(12):
        again.clear()
        process.is_running = False
        await _until(again)
    assert len(told) == 12
    await _end(task)
