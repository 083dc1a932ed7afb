"""What a command read and did not change must still be so when it is written."""

import asyncio
from dataclasses import replace
from typing import Any

from services.shared.eventstore.units import AppendStatus, AppendUnit, Guard
from tests.contract.conftest import Wanted
from tests.contract.writer import Writer
from tests.doubles.parcel import Moved


def guarding(unit: AppendUnit, stream_id: str, version: int) -> AppendUnit:
    return replace(unit, guards=(Guard(stream_id=stream_id, version=version),))


async def test_a_guard_that_holds_changes_nothing(store: Wanted) -> None:
    writer = Writer(store)
    await writer.move("p/1", "road")
    before = await store.load("p/1")

    unit = guarding(writer.unit("p/2", Moved(to="hill")), "p/1", 1)
    assert (await store.append(unit)).status is AppendStatus.APPENDED

    assert await store.load("p/1") == before
    assert len(await store.read_events("p/1")) == 1
    assert await store.load("p/2") is not None


async def test_a_guard_on_what_does_not_exist_creates_nothing(store: Wanted) -> None:
    unit = guarding(Writer(store).unit("p/2", Moved(to="hill")), "p/1", 0)
    assert (await store.append(unit)).status is AppendStatus.APPENDED
    assert await store.load("p/1") is None


async def test_a_guard_that_fails_writes_nothing(store: Wanted) -> None:
    writer = Writer(store)
    await writer.move("p/1", "road", "hill")
    for version in (0, 1, 3):
        unit = guarding(writer.unit("p/2", Moved(to="hill")), "p/1", version)
        assert (await store.append(unit)).status is AppendStatus.STALE
    assert await store.load("p/2") is None


async def test_of_two_who_each_guard_what_the_other_changes_one_stands(store: Wanted) -> None:
    """At once, so that they may share a statement, or meet in the database."""
    first: Any = Writer(store)
    for round_number in range(1, 9):
        left, right = f"p/left-{round_number}", f"p/right-{round_number}"
        await first.move(left, "road")
        await first.move(right, "road")
        units = (
            guarding(first.unit(left, Moved(to="hill")), right, 1),
            guarding(first.unit(right, Moved(to="hill")), left, 1),
        )
        results = await asyncio.gather(*(store.append(unit) for unit in units))
        statuses = [result.status for result in results]
        assert sorted(statuses) == [AppendStatus.APPENDED, AppendStatus.STALE]


async def test_many_may_guard_the_same(store: Wanted) -> None:
    writer = Writer(store)
    await writer.move("p/1", "road")
    units = [guarding(writer.unit(f"p/x{number}", Moved(to="hill")), "p/1", 1) for number in range(20)]
    results = await asyncio.gather(*(store.append(unit) for unit in units))
    assert {result.status for result in results} == {AppendStatus.APPENDED}
