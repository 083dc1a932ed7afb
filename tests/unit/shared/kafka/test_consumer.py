"""A consumer is closed within a bound, whatever its client makes of a broker that is away."""

import asyncio

import pytest

from services.shared.kafka.consumer import stop_consumer


class _Client:
    is_closed = False

    async def close(self) -> None:
        self.is_closed = True


class _Consumer:
    """Its stop ends as it does where a fetch waits to be tried again."""

    def __init__(self) -> None:
        self._client = _Client()
        self.begun = asyncio.Event()

    async def stop(self) -> None:
        self.begun.set()
        fetch = asyncio.create_task(asyncio.Event().wait())
        await asyncio.sleep(0)
        fetch.cancel()
        await fetch


class _Hanging(_Consumer):
    async def stop(self) -> None:
        self.begun.set()
        await asyncio.Event().wait()


async def test_a_fetch_that_the_client_gave_up_is_not_taken_for_ctrl_c() -> None:
    consumer = _Consumer()
    await stop_consumer(consumer)  # type: ignore[arg-type]
    assert consumer._client.is_closed


async def test_whoever_stops_the_task_is_obeyed() -> None:
    consumer = _Hanging()
    task = asyncio.create_task(stop_consumer(consumer))  # type: ignore[arg-type]
    await consumer.begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
