"""Availability from events: whatever comes twice or late, the sums are those of the wards."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.bed.adapters.availability_records import availability_in, line_of, record_of
from services.bed.domain.availability import availability
from services.bed.domain.availability_fold import Lines, Told, WardLine, keep, told
from services.bed.domain.values import Availability, BedType, WardCounts
from services.shared.kafka.cloud_events import decode
from tierlink.bed.v1 import bed_events_pb2

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
STALE_S = 3600.0


def _line(ward: str, version: int, free: int, bed_type: BedType = BedType.ICU) -> WardLine:
    return WardLine(
        ward=ward,
        version=version,
        facility="jimsar-general",
        bed_type=bed_type,
        counts=WardCounts(beds=10, free=free, occupied=10 - free),
        confirmed_at=NOW,
    )


_LINES = st.lists(
    st.builds(
        _line,
        st.sampled_from(["a", "b", "c"]),
        st.integers(1, 6),
        st.integers(0, 10),
        st.sampled_from([BedType.ICU, BedType.CCU]),
    ),
    # An event is what it is: a version of a ward has one content.
    unique_by=lambda line: (line.ward, line.version),
    max_size=12,
)


def _history(lines: list[WardLine]) -> list[WardLine]:
    """The lines as a ward says them that was of each type in its turn."""
    history: dict[str, list[WardLine]] = {}
    for line in sorted(lines, key=lambda line: line.version):
        known = history.setdefault(line.ward, [])
        left = dict(known[-1].left_types) if known else {}
        if known and known[-1].bed_type is not line.bed_type:
            left[known[-1].bed_type.value] = line.version
            left.pop(line.bed_type.value, None)
        known.append(replace(line, left_types=left))
    return [line for ward in history.values() for line in ward]


def _records(lines: list[WardLine]) -> tuple[Lines, list[Told]]:
    """The table after the lines, and what was published."""
    kept: Lines = {}
    published: list[Told] = []
    for line in lines:
        after = keep(kept, line)
        if after is not None:
            published.extend(told(kept, after, line, NOW, STALE_S))
            kept = after
    return kept, published


def _played(lines: list[WardLine]) -> tuple[Lines, dict[BedType, Availability]]:
    """The table after the lines, and what was last published of each type."""
    kept, published = _records(lines)
    return kept, {each.found.bed_type: each.found for each in published}


@given(lines=_LINES, order=st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(lines: list[WardLine], order: object) -> None:
    shuffled = [*lines, *lines]
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    # Each ward's own order is Kafka's promise; of different wards any may come first, and all again.
    by_ward = sorted(lines, key=lambda line: line.version)
    assert _played(by_ward + shuffled)[0] == _played(by_ward)[0]


@given(lines=_LINES)
def test_what_was_published_is_what_the_wards_add_up_to(lines: list[WardLine]) -> None:
    kept, published = _played(lines)
    expected = {each.bed_type: each for each in availability(kept.values(), NOW, STALE_S)}
    for bed_type, each in published.items():
        if bed_type in expected:
            assert each == expected[bed_type]
        else:
            assert each.counts == WardCounts()
    assert expected.keys() <= published.keys()


@given(lines=_LINES, order=st.randoms(use_true_random=False))
def test_what_is_published_of_a_type_carries_a_growing_version(
    lines: list[WardLine], order: random.Random
) -> None:
    versions: dict[BedType, int] = {}
    for each in _records(_interleaved(_history(lines), order))[1]:
        assert each.version > versions.get(each.found.bed_type, 0)
        versions[each.found.bed_type] = each.version


@given(lines=_LINES, order=st.randoms(use_true_random=False), stopped_after=st.integers(0, 12))
def test_who_saw_any_of_it_takes_what_a_rebuild_says_last(
    lines: list[WardLine], order: random.Random, stopped_after: int
) -> None:
    """A rebuild replays a facility's wards in another order: its last word on a type must be the newest."""
    history = _history(lines)
    seen: dict[BedType, Told] = {}
    before = _records(_interleaved(history, order)[:stopped_after])[1]
    for each in (*before, *_records(_interleaved(history, order))[1]):
        known = seen.get(each.found.bed_type)
        if known is None or each.version > known.version:
            seen[each.found.bed_type] = each
    kept = {line.ward: line for line in history}
    expected = {each.bed_type: each for each in availability(kept.values(), NOW, STALE_S)}
    for bed_type, each in seen.items():
        if bed_type in expected:
            assert each.found == expected[bed_type]
        else:
            assert each.found.counts == WardCounts()


@pytest.mark.parametrize(
    ("seen", "replayed"),
    [
        # Of wards of two types the other's came first.
        (
            [_line("b", 1, 1, BedType.CCU), _line("b", 2, 2, BedType.CCU), _line("a", 1, 1)],
            [_line("a", 1, 1), _line("a", 2, 2)],
        ),
        # What changes no count comes between.
        ([_line("a", 1, 4), _line("a", 2, 4)], [_line("a", 1, 4), _line("b", 1, 5), _line("a", 2, 4)]),
    ],
)
def test_a_rebuilt_type_is_newer_than_any_of_its_older_counts(
    seen: list[WardLine], replayed: list[WardLine]
) -> None:
    older, newest = _records(seen)[1][-1], _records(replayed)[1][-1]
    assert newest.found.bed_type is older.found.bed_type
    assert newest.found != older.found
    assert newest.version > older.version


def _interleaved(history: list[WardLine], order: random.Random) -> list[WardLine]:
    """Each ward's lines in their order, and those of different wards in any."""
    left: dict[str, list[WardLine]] = {}
    for line in history:
        left.setdefault(line.ward, []).append(line)
    wards = [line.ward for line in history]
    order.shuffle(wards)
    return [left[ward].pop(0) for ward in wards]


def test_a_ward_that_changes_its_type_leaves_nothing_behind() -> None:
    before = {"a": _line("a", 1, 4)}
    line = replace(_line("a", 2, 4, BedType.CCU), left_types={"ICU": 2})
    after = keep(before, line)
    assert after is not None
    said = told(before, after, line, NOW, STALE_S)
    changed = {each.found.bed_type: (each.found.counts.free, each.version) for each in said}
    assert changed == {BedType.CCU: (4, 2), BedType.ICU: (0, 2)}


def test_an_event_and_a_record_survive_their_bytes() -> None:
    event = bed_events_pb2.BedEvent(facility="f", bed_type="BED_TYPE_ICU")  # type: ignore[arg-type]
    event.metadata.aggregate_id, event.metadata.version = "wards/icu", 7
    event.counts.beds = event.counts.free = 3
    event.confirmed_at.FromDatetime(NOW)
    event.left_types["CCU"] = 5
    line = line_of(event.SerializeToString())
    assert line == replace(
        _line("icu", 7, 3),
        facility="f",
        counts=WardCounts(beds=3, free=3),
        confirmed_at=NOW,
        left_types={"CCU": 5},
    )
    event.metadata.aggregate_id = "desks/f"
    assert line_of(event.SerializeToString()) is None


def test_a_record_is_a_cloud_event_that_can_be_read_again() -> None:
    found = availability([_line("a", 3, 2)], NOW + timedelta(hours=2), STALE_S)[0]
    record = record_of(found, version=3, traceparent="")

    class Received:
        topic, partition, offset = "t", 0, 0
        key, value, headers = record.key, record.value, record.headers

    event = decode(Received())
    assert (event.key, event.version, event.type) == ("jimsar-general/ICU", 3, "AvailabilityChanged")
    assert availability_in(event.value) == found
    assert found.stale
