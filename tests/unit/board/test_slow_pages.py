"""A page that does not take what it is sent is cut off by one clock for all, and the others are not."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from starlette.types import Message

from services.board.entrypoints.http.slow_pages import PageStream, SlowPages

SCOPE: dict[str, Any] = {"type": "http", "method": "GET", "path": "/events", "headers": []}


class Wire:
    """A connection to a page; one that is stuck takes nothing after its first words."""

    def __init__(self, *, is_stuck: bool) -> None:
        self.is_stuck = is_stuck
        self.bodies: list[bytes] = []
        self.is_closed = False
        self.held = asyncio.Event()

    async def send(self, message: Message) -> None:
        if message["type"] != "http.response.body":
            return
        self.bodies.append(message["body"])
        if self.is_stuck and len(self.bodies) > 1:
            self.held.set()
            await asyncio.Event().wait()

    async def receive(self) -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def tell(self, slow: SlowPages, pause_s: float, *, words: int) -> None:
        async def events() -> AsyncGenerator[bytes, None]:
            try:
                for number in range(words):
                    yield f"data: {number}\r\n\r\n".encode()
                    await asyncio.sleep(pause_s)
            finally:
                self.is_closed = True

        await PageStream(events(), slow)(SCOPE, self.receive, self.send)


async def test_a_page_that_is_stuck_is_cut_off_and_one_that_reads_is_told_to_the_end() -> None:
    slow = SlowPages(limit_s=0.2)
    stuck, reads = Wire(is_stuck=True), Wire(is_stuck=False)
    async with asyncio.timeout(10):
        await asyncio.gather(stuck.tell(slow, 0.0, words=30), reads.tell(slow, 0.02, words=30))
    assert len(stuck.bodies) == 2
    assert stuck.is_closed
    # Longer than the limit altogether, and no word of it was.
    assert reads.bodies[-2:] == [b"data: 29\r\n\r\n", b""]


async def test_who_leaves_is_not_taken_for_slow() -> None:
    slow = SlowPages(limit_s=30)
    stuck = Wire(is_stuck=True)
    telling = asyncio.create_task(stuck.tell(slow, 0.0, words=30))
    await stuck.held.wait()
    telling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await telling
    assert stuck.is_closed
