"""A floor never passes a number that may still appear."""

import asyncio
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from services.shared.outbox.floors import Floors

_SHARD = 3


class Numbers:
    """A sequence and the transactions that draw from it, as the database would tell of them."""

    def __init__(self) -> None:
        self.drawn = 0
        self.open: dict[str, set[int]] = {}
        self.visible: set[int] = set()
        self.deleted: set[int] = set()
        self.probes = 0

    def draw(self, transaction: str) -> None:
        self.drawn += 1
        self.open.setdefault(transaction, set()).add(self.drawn)

    def end(self, transaction: str, *, commit: bool) -> None:
        numbers = self.open.pop(transaction, set())
        if commit:
            self.visible |= numbers

    async def last_drawn(self) -> int:
        self.probes += 1
        return self.drawn

    async def open_writers(self) -> frozenset[str]:
        return frozenset(self.open)


def _fetch(floors: Floors, numbers: Numbers) -> list[int]:
    aim = floors.aim([_SHARD])
    found = sorted(number for number in numbers.visible if number >= aim.floors[_SHARD])
    floors.learn(aim, {_SHARD: found[0]} if found else {})
    return found


def _publish(floors: Floors, numbers: Numbers) -> None:
    found = _fetch(floors, numbers)
    numbers.visible -= set(found)
    numbers.deleted |= set(found)


def _floor(floors: Floors) -> int:
    return floors.aim([_SHARD]).floors[_SHARD]


_STEPS = st.lists(
    st.tuples(st.sampled_from(["draw", "commit", "abort", "probe", "publish"]), st.integers(0, 4)),
    max_size=60,
)


@settings(deadline=None)
@given(_STEPS)
def test_whatever_commits_late_is_still_found(steps: Sequence[tuple[str, int]]) -> None:
    numbers = Numbers()
    floors = Floors(numbers, probe_s=0.0)
    for step, who in steps:
        if step == "draw":
            numbers.draw(f"t{who}")
        elif step == "probe":
            asyncio.run(floors.advance())
        elif step == "publish":
            _publish(floors, numbers)
        else:
            numbers.end(f"t{who}", commit=step == "commit")
        for undecided in numbers.open.values():
            assert _floor(floors) <= min(undecided), "a number that may still appear is below the floor"
    for transaction in tuple(numbers.open):
        numbers.end(transaction, commit=True)
    _publish(floors, numbers)
    assert not numbers.visible, "what was committed is published"


async def test_the_floor_rises_when_nothing_is_open() -> None:
    numbers = Numbers()
    floors = Floors(numbers, probe_s=0.0)
    for _ in range(100):
        numbers.draw("t")
    numbers.end("t", commit=True)
    _publish(floors, numbers)
    assert _floor(floors) == 1
    await floors.advance()
    _publish(floors, numbers)
    assert _floor(floors) == 101


async def test_it_stays_at_the_first_message_that_is_not_published_yet() -> None:
    numbers = Numbers()
    floors = Floors(numbers, probe_s=0.0)
    for _ in range(10):
        numbers.draw("t")
    numbers.end("t", commit=True)
    numbers.visible = {7, 8}
    await floors.advance()
    assert _fetch(floors, numbers) == [7, 8]
    assert _floor(floors) == 7


async def test_nothing_is_asked_while_there_is_nothing_to_gain() -> None:
    now_s = 0.0
    numbers = Numbers()
    floors = Floors(numbers, probe_s=0.25, rescan_s=60.0, clock=lambda: now_s)
    for _ in range(10):
        await floors.advance()
    assert numbers.probes == 1, "at most one in a quarter of a second"
    now_s = 1.0
    await floors.advance()
    assert numbers.probes == 1, "nothing was found since"
    numbers.visible = {5}
    _fetch(floors, numbers)
    await floors.advance()
    assert numbers.probes == 2


async def test_it_looks_from_the_start_again_after_an_outage_and_once_a_minute() -> None:
    now_s = 0.0
    numbers = Numbers()
    floors = Floors(numbers, probe_s=0.0, rescan_s=60.0, clock=lambda: now_s)
    numbers.drawn = 500
    await floors.advance()
    _publish(floors, numbers)
    assert _floor(floors) == 501
    floors.forget()
    assert _floor(floors) == 0
    await floors.advance()
    _publish(floors, numbers)
    assert _floor(floors) == 501
    now_s = 61.0
    numbers.drawn = 20  # a standby took over whose sequence is behind
    numbers.visible = {15}
    await floors.advance()
    assert _fetch(floors, numbers) == [15]


async def test_a_fetch_that_began_before_the_floors_were_forgotten_does_not_raise_them() -> None:
    numbers = Numbers()
    floors = Floors(numbers, probe_s=0.0)
    numbers.drawn = 500
    await floors.advance()
    _publish(floors, numbers)
    aim = floors.aim([_SHARD])
    floors.forget()
    floors.learn(aim, {})
    assert _floor(floors) == 0
