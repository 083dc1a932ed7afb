"""Contexts that are entered and left at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from services.operator.bench.together import together


class Doors:
    """Contexts that tell who is inside."""

    def __init__(self) -> None:
        self.inside: list[str] = []
        self.left: list[str] = []
        self.met = asyncio.Barrier(2)

    @asynccontextmanager
    async def door(self, name: str) -> AsyncIterator[str]:
        # Nobody gets in alone: one after the other would wait for ever.
        await self.met.wait()
        self.inside.append(name)
        try:
            yield name
        finally:
            await self.met.wait()
            self.left.append(name)

    @asynccontextmanager
    async def shut(self) -> AsyncIterator[str]:
        await self.met.wait()
        raise OSError("shut")
        yield ""

    @asynccontextmanager
    async def single(self, name: str) -> AsyncIterator[str]:
        await self.met.wait()
        try:
            yield name
        finally:
            self.left.append(name)


async def test_all_are_entered_and_left_at_once_and_given_in_their_order() -> None:
    doors = Doors()
    async with asyncio.timeout(5), together(doors.door("a"), doors.door("b")) as entered:
        assert entered == ["a", "b"]
        assert sorted(doors.inside) == ["a", "b"]
    assert sorted(doors.left) == ["a", "b"]


async def test_one_that_does_not_open_is_raised_and_the_others_are_left() -> None:
    doors = Doors()
    with pytest.raises(OSError, match="shut"):
        async with asyncio.timeout(5), together(doors.single("a"), doors.shut()):
            pytest.fail("entered")
    assert doors.left == ["a"]


async def test_an_error_of_the_block_leaves_all_and_is_raised() -> None:
    doors = Doors()
    with pytest.raises(KeyError):
        async with asyncio.timeout(5), together(doors.single("a"), doors.single("b")):
            raise KeyError
    assert sorted(doors.left) == ["a", "b"]
