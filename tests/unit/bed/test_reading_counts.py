"""Counts are read from snapshots without their beds, and are those of the beds."""

from dataclasses import replace

import pytest

from services.bed.adapters.availability_records import line_of
from services.bed.application.reading import WardReading
from services.bed.domain.availability_fold import Lines, Told, keep, told
from services.bed.domain.values import BedType

from .facility import TYPE, Facility
from .scenario import HOSPITAL

STALE_S = 60.0


@pytest.fixture
async def facility() -> Facility:
    facility = Facility()
    await facility.apply("w", 3)
    await facility.apply("x", 2)
    await facility.apply("i", 4, BedType.ICU)
    await facility.hold(1)
    await facility.admit("p-9", "e-9", ward="i", bed="i-1")
    return facility


def reading(facility: Facility) -> WardReading:
    return WardReading(facility.store, facility.runner, facility.kinds, stale_after_s=STALE_S)


async def counts(
    facility: Facility, *facilities: str, bed_type: BedType | None = None
) -> dict[str, tuple[int, ...]]:
    found = await reading(facility).availability(facilities, bed_type, facility.now)
    return {each.bed_type.value: (each.counts.beds, each.counts.free, each.counts.held) for each in found}


async def test_the_counts_of_several_facilities_are_added_up_by_type(facility: Facility) -> None:
    expected = {TYPE.value: (5, 4, 1), "ICU": (4, 3, 0)}
    assert await counts(facility, HOSPITAL, "nobody", HOSPITAL) == expected
    assert await counts(facility, HOSPITAL, bed_type=BedType.ICU) == {"ICU": (4, 3, 0)}
    assert await counts(facility, "nobody") == {}


async def test_a_snapshot_of_an_older_fold_is_counted_from_its_events(facility: Facility) -> None:
    store = facility.store
    stored = store.streams["wards/w"]
    store.streams["wards/w"] = replace(stored, fold_version=stored.fold_version - 1, snapshot=b"\x00")
    assert (await counts(facility, HOSPITAL))[TYPE.value] == (5, 4, 1)


async def test_the_picture_of_all_has_the_versions_that_the_topic_counts_by(facility: Facility) -> None:
    await facility.apply("x", 2, BedType.CCU)
    lines: Lines = {}
    published: dict[BedType, Told] = {}
    for message in facility.store.messages:
        line = line_of(message.value)
        after = None if line is None else keep(lines, line)
        if line is not None and after is not None:
            published |= {
                each.found.bed_type: each for each in told(lines, after, line, facility.now, STALE_S)
            }
            lines = after
    found = await reading(facility).of_all(facility.now)
    assert {each.found.bed_type: (each.version, each.found) for each in found} == {
        bed_type: (each.version, each.found) for bed_type, each in published.items()
    }
    assert {each.found.bed_type for each in found} == {TYPE, BedType.ICU, BedType.CCU}
    assert (await reading(facility).of_facilities((HOSPITAL,), facility.now)) == found
