"""Counts are read from snapshots without their beds, and are those of the beds."""

from dataclasses import replace

import pytest

from services.bed.application.reading import WardReading
from services.bed.domain.values import BedType

from .facility import TYPE, Facility
from .scenario import HOSPITAL


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
    return WardReading(facility.store, facility.runner, facility.kinds, stale_after_s=60)


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
    (found,) = await reading(facility).of_all(facility.now)
    versions = [store.version for name, store in facility.store.streams.items() if name.startswith("wards/")]
    assert (found.facility, found.version) == (HOSPITAL, sum(versions))
    assert (await reading(facility).of_facilities((HOSPITAL,), facility.now)) == (found,)
