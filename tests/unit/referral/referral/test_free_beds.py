"""Free beds as the referral service knows them: followed ward by ward, told by type and with their age."""

from dataclasses import replace
from datetime import timedelta

from services.referral.domain.free_beds import (
    FreeBeds,
    WardBeds,
    WardCounts,
    WardNews,
    followed,
    free_beds,
    free_of,
)
from services.referral.domain.values import BedType
from tests.unit.referral.referral.network import START
from tests.unit.referral.referral.wards import ward

LIMIT_S = 8 * 3600
FIRST = WardNews(
    ward="jg-icu",
    version=1,
    facility="jimsar-general",
    bed_type=BedType.ICU,
    counts=WardCounts(beds=4, free=4),
    confirmed_at=None,
    recorded_at=START,
)


def after(*news: WardNews) -> WardBeds:
    known: WardBeds | None = None
    for each in news:
        known = followed(known, each)
    assert known is not None
    return known


def told(*wards: WardBeds) -> tuple[FreeBeds, ...]:
    return free_beds(wards, START, LIMIT_S)


def test_a_ward_begins_with_its_beds() -> None:
    known = after(FIRST)
    assert (known.counts.free, known.moved_at, known.confirmed_at) == (4, START, None)


def test_a_confirmation_moves_nothing() -> None:
    later = START + timedelta(hours=1)
    confirmed = replace(FIRST, version=2, confirmed_at=later, recorded_at=later)
    known = after(FIRST, confirmed)
    assert (known.version, known.moved_at, known.confirmed_at) == (2, START, later)
    held = replace(confirmed, version=3, counts=WardCounts(beds=4, free=3, held=1))
    assert after(FIRST, confirmed, held).moved_at == later


def test_a_bed_that_changes_its_use_moves_the_counts_although_as_many_are_free() -> None:
    held = replace(FIRST, version=2, counts=WardCounts(beds=4, free=3, held=1))
    occupied = replace(
        held,
        version=3,
        counts=WardCounts(beds=4, free=3, occupied=1),
        recorded_at=START + timedelta(hours=1),
    )
    assert after(FIRST, held, occupied).moved_at == occupied.recorded_at


def test_a_ward_first_heard_of_late_moved_at_an_unknown_time() -> None:
    assert after(replace(FIRST, version=7)).moved_at is None


def test_wards_of_a_type_add_up_and_are_as_old_as_the_least_recent() -> None:
    first = ward("a", BedType.ICU, free=1, confirmed=timedelta(hours=2), moved=timedelta(hours=5))
    second = ward("b", BedType.ICU, free=2, confirmed=timedelta(hours=1), moved=timedelta(minutes=3))
    (found,) = told(first, second)
    assert (found.free, found.beds, found.age_s, found.stale) == (3, 20, 7200, False)
    assert found.moved_at == START - timedelta(minutes=3)
    (unknown,) = told(first, replace(second, confirmed_at=None))
    assert (unknown.confirmed_at, unknown.age_s, unknown.stale) == (None, None, True)


def test_past_the_limit_a_count_is_stale() -> None:
    (just,) = told(ward("a", BedType.ICU, free=1, confirmed=timedelta(seconds=LIMIT_S)))
    (past,) = told(ward("a", BedType.ICU, free=1, confirmed=timedelta(seconds=LIMIT_S + 1)))
    assert (just.stale, past.stale) == (False, True)
    assert (free_of([just], None), free_of([past], None)) == (1, 0)


def test_a_clock_that_is_ahead_makes_nothing_younger_than_now() -> None:
    (found,) = told(ward("a", BedType.ICU, free=1, confirmed=timedelta(minutes=-3)))
    assert found.age_s == 0


def test_types_are_told_apart_and_closed_wards_say_nothing() -> None:
    open_wards = (ward("s", BedType.STROKE_UNIT, free=2), ward("i", BedType.ICU, free=1))
    closed = ward("x", BedType.GENERAL, free=0, beds=0)
    found = told(*open_wards, closed)
    assert [(each.bed_type, each.free) for each in found] == [(BedType.ICU, 1), (BedType.STROKE_UNIT, 2)]
    assert (free_of(found, BedType.ICU), free_of(found, None)) == (1, 3)
    assert free_of(found, BedType.GENERAL) == 0
