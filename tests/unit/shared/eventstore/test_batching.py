"""The batcher: what waits shares a batch, each item hears of its own fate, and no bound is exceeded."""

import asyncio
from collections.abc import Sequence

import pytest

from services.shared.eventstore.batching import Batcher
from services.shared.kernel.refusals import DependencyDown, Overloaded


class Work:
    """Batches as they were handed over; each waits until it is released."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.release = asyncio.Event()
        self.called = asyncio.Condition()
        self.at_once = 0
        self.at_once_max = 0

    async def __call__(self, items: Sequence[int]) -> Sequence[int | Exception]:
        async with self.called:
            self.batches.append(list(items))
            self.called.notify_all()
        self.at_once += 1
        self.at_once_max = max(self.at_once_max, self.at_once)
        await self.release.wait()
        self.at_once -= 1
        return [ValueError(str(item)) if item < 0 else item * 10 for item in items]


def batcher(work: Work, **bounds: int) -> Batcher[int, int]:
    return Batcher(work, **{"batch_max": 4, "queue_max": 100, "flights_max": 1, **bounds}, name="test")  # type: ignore[arg-type]


async def until_called(work: Work, times: int) -> None:
    async with asyncio.timeout(5), work.called:
        await work.called.wait_for(lambda: len(work.batches) >= times)


async def test_what_waits_while_a_batch_is_under_way_shares_the_next() -> None:
    work = Work()
    batch = batcher(work)
    first = asyncio.create_task(batch.submit(1))
    await until_called(work, 1)
    rest = [asyncio.create_task(batch.submit(number)) for number in (2, 3, 4)]
    await asyncio.sleep(0)
    work.release.set()

    assert await asyncio.gather(first, *rest) == [10, 20, 30, 40]
    assert work.batches == [[1], [2, 3, 4]]


async def test_beside_a_batch_under_way_another_starts_only_when_half_a_batch_waits() -> None:
    work = Work()
    batch = batcher(work, batch_max=4, flights_max=2)
    calls = [asyncio.create_task(batch.submit(1))]
    await until_called(work, 1)
    calls.append(asyncio.create_task(batch.submit(2)))
    for _ in range(10):
        await asyncio.sleep(0)
    assert work.batches == [[1]]

    calls.append(asyncio.create_task(batch.submit(3)))
    await until_called(work, 2)
    work.release.set()

    assert work.batches == [[1], [2, 3]]
    assert await asyncio.gather(*calls) == [10, 20, 30]


async def test_a_batch_and_the_batches_under_way_are_bounded() -> None:
    work = Work()
    batch = batcher(work, batch_max=2, flights_max=3)
    calls = [asyncio.create_task(batch.submit(number)) for number in range(20)]
    await until_called(work, 3)
    work.release.set()

    await asyncio.gather(*calls)

    assert work.at_once_max == 3
    assert max(len(items) for items in work.batches) <= 2


async def test_one_item_that_fails_fails_alone() -> None:
    work = Work()
    work.release.set()
    results = await asyncio.gather(
        *(batcher(work).submit(number) for number in (1, -2, 3)), return_exceptions=True
    )
    assert [type(result) for result in results] == [int, ValueError, int]


async def test_a_full_queue_refuses_and_loses_nothing() -> None:
    work = Work()
    batch = batcher(work, queue_max=2)
    under_way = asyncio.create_task(batch.submit(1))
    await until_called(work, 1)
    waiting = [asyncio.create_task(batch.submit(number)) for number in (2, 3)]
    await asyncio.sleep(0)

    with pytest.raises(Overloaded):
        await batch.submit(4)

    work.release.set()
    assert await asyncio.gather(under_way, *waiting) == [10, 20, 30]


async def test_a_caller_that_is_cancelled_does_not_undo_what_is_under_way() -> None:
    work = Work()
    batch = batcher(work)
    cancelled = asyncio.create_task(batch.submit(1))
    other = asyncio.create_task(batch.submit(2))
    await until_called(work, 1)
    cancelled.cancel()
    work.release.set()

    assert await other == 20
    assert 1 in [item for items in work.batches for item in items]


async def test_work_that_is_stopped_leaves_its_callers_an_unknown_outcome() -> None:
    work = Work()
    batch = batcher(work)
    call = asyncio.create_task(batch.submit(1))
    await until_called(work, 1)
    for task in asyncio.all_tasks():
        if task.get_name() == "test-batch":
            task.cancel()

    with pytest.raises(DependencyDown, match="unknown"):
        await call


async def test_closing_lets_everything_land_and_refuses_what_comes_after() -> None:
    work = Work()
    batch = batcher(work, batch_max=1)
    calls = [asyncio.create_task(batch.submit(number)) for number in range(3)]
    await until_called(work, 1)
    work.release.set()
    await batch.close()

    assert await asyncio.gather(*calls) == [0, 10, 20]
    with pytest.raises(DependencyDown):
        await batch.submit(9)


async def test_another_batch_starts_beside_one_under_way_when_as_many_wait_as_were_said() -> None:
    work = Work()
    batch = batcher(work, batch_max=64, flights_max=2, crowd_min=2)
    calls = [asyncio.create_task(batch.submit(1))]
    await until_called(work, 1)
    calls.append(asyncio.create_task(batch.submit(2)))
    for _ in range(5):
        await asyncio.sleep(0)
    assert work.batches == [[1]]
    calls.append(asyncio.create_task(batch.submit(3)))
    await until_called(work, 2)

    assert work.batches == [[1], [2, 3]]
    work.release.set()
    await asyncio.gather(*calls)
