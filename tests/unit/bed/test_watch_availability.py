"""A stream of availability: a picture of the wards first, then what is newer than it."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import cast

from services.bed.application.reading import VersionedCounts, WardReading
from services.bed.application.watch_availability import (
    AvailabilityChange,
    AvailabilityWatch,
    Published,
    Wish,
)
from services.bed.domain.values import Availability, BedType, WardCounts

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
EVERYTHING = Wish(facilities=frozenset(), bed_type=None)


def _found(free: int, facility: str = "a", bed_type: BedType = BedType.ICU) -> Availability:
    return Availability(
        facility=facility,
        bed_type=bed_type,
        counts=WardCounts(beds=9, free=free),
        confirmed_at=NOW,
        stale=False,
    )


class FakeReading:
    """One picture."""

    def __init__(self, *facilities: VersionedCounts) -> None:
        self._facilities = facilities
        self.asked: list[tuple[str, ...]] = []

    async def of_all(self, now: datetime) -> tuple[VersionedCounts, ...]:
        self.asked.append(())
        return self._facilities

    async def of_facilities(self, facilities: tuple[str, ...], now: datetime) -> tuple[VersionedCounts, ...]:
        self.asked.append(facilities)
        return tuple(each for each in self._facilities if each.found.facility in facilities)


class FakeTail:
    """Plays messages, and ends."""

    def __init__(self, *messages: Published) -> None:
        self._messages = messages
        self.read_from: list[str] = []

    async def begin(self, resume_token: str) -> str:
        return resume_token or "end"

    async def read(self, resume_token: str) -> AsyncGenerator[Published, None]:
        self.read_from.append(resume_token)
        for message in self._messages:
            yield message


def _said(found: Availability | None, version: int, token: str) -> Published:
    return Published(found=found, version=version, resume_token=token)


async def _watched(
    reading: FakeReading, tail: FakeTail, wish: Wish = EVERYTHING, token: str = "", now: datetime = NOW
) -> list[AvailabilityChange]:
    watch = AvailabilityWatch(cast(WardReading, reading), tail, stale_after_s=3600)
    return [each async for each in watch.watch(wish, token, lambda: now)]


def _counted(version: int, found: Availability) -> VersionedCounts:
    return VersionedCounts(found=found, version=version)


async def test_the_picture_comes_first_and_its_end_carries_the_first_token() -> None:
    reading = FakeReading(_counted(4, _found(3)))
    told = await _watched(reading, FakeTail())
    assert told == [
        AvailabilityChange(found=_found(3), resume_token=""),
        AvailabilityChange(found=None, resume_token="end"),
    ]


async def test_what_the_picture_had_already_is_not_told_again() -> None:
    reading = FakeReading(_counted(4, _found(3)))
    tail = FakeTail(_said(_found(5), 3, "1"), _said(_found(3), 4, "2"), _said(_found(2), 5, "3"))
    told = await _watched(reading, tail)
    assert [(each.found, each.resume_token) for each in told[2:]] == [(_found(2), "3")]


async def test_a_type_is_told_by_its_own_version_whatever_that_of_its_facilitys_others() -> None:
    reading = FakeReading(_counted(9, _found(3)), _counted(4, _found(3, bed_type=BedType.CCU)))
    newer = _found(2, bed_type=BedType.CCU)
    told = await _watched(reading, FakeTail(_said(newer, 5, "1")))
    assert [each.found for each in told[3:]] == [newer]


async def test_who_resumes_gets_no_picture_and_nothing_twice() -> None:
    reading, tail = FakeReading(), FakeTail(_said(_found(2), 5, "3"), _said(None, 0, "4"))
    told = await _watched(reading, tail, token="2")
    assert [each.resume_token for each in told] == ["3", "4"]
    assert tail.read_from == ["2"]
    assert reading.asked == []


async def test_only_what_is_wished_for_is_told() -> None:
    wish = Wish(facilities=frozenset({"a"}), bed_type=BedType.ICU)
    reading = FakeReading(
        _counted(1, _found(3)), _counted(1, _found(3, bed_type=BedType.CCU)), _counted(1, _found(3, "b"))
    )
    tail = FakeTail(
        _said(_found(1, "b"), 2, "1"),
        _said(_found(1, bed_type=BedType.CCU), 2, "2"),
        _said(_found(1), 2, "3"),
    )
    told = await _watched(reading, tail, wish)
    assert [each.found for each in told if each.found] == [_found(3), _found(1)]


async def test_a_count_is_stale_by_the_readers_clock_and_not_by_the_writers() -> None:
    tail = FakeTail(_said(_found(1), 2, "1"))
    told = await _watched(FakeReading(), tail, token="0", now=NOW + timedelta(hours=2))
    assert told[0].found is not None
    assert told[0].found.stale
