"""What is found between two sides, and what is not taken for a difference."""

from collections.abc import Iterable
from datetime import timedelta
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.operator.diff import fingerprints
from services.operator.diff.comparing import Side
from services.operator.diff.report import Comparison
from services.operator.events.record import EventRecord
from services.operator.replay.marks import marked
from tests.unit.operator.replay.records import NOW, TOPIC, record

#: aggregate, version, bytes
Event = tuple[str, int, bytes]


def side(events: Iterable[Event]) -> Side:
    found = Side()
    for aggregate, version, content in events:
        found.add(aggregate, version, sha256(content).digest())
    return found


def differences(first: Iterable[Event], second: Iterable[Event]) -> list[tuple[str, str, int]]:
    found = side(first).differences(side(second), "t")
    return [(each.kind.value, each.aggregate, each.version) for each in found]


A1, A2, A3, B1 = ("a", 1, b"1"), ("a", 2, b"2"), ("a", 3, b"3"), ("b", 1, b"1")


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ([A1, A2, B1], [B1, A1, A2], []),
        ([A1, A2, B1], [A1, B1], [("MISSING", "a", 2)]),
        ([A1], [A1, A2, B1], [("EXTRA", "a", 2), ("EXTRA", "b", 1)]),
        ([A1, A2], [A1, ("a", 2, b"x")], [("ALTERED", "a", 2)]),
        ([A1, A2, A3], [A2, A3, A1], [("REORDERED", "a", 1)]),
        (
            [A1, A2, A3],
            [A3, ("a", 1, b"x")],
            [("ALTERED", "a", 1), ("REORDERED", "a", 1), ("MISSING", "a", 2)],
        ),
        # Said again with the same bytes is what relays may do; with others it is not.
        ([A1, A2], [A1, A1, A2, A1], []),
        ([A1, A2], [A1, A2, ("a", 1, b"x")], [("ALTERED", "a", 1)]),
        (
            [("k", 0, b"x"), ("k", 0, b"x")],
            [("k", 0, b"x"), ("k", 0, b"y")],
            [("MISSING", "k", 0), ("EXTRA", "k", 0)],
        ),
    ],
)
def test_differences(first: list[Event], second: list[Event], found: list[tuple[str, str, int]]) -> None:
    # A version that both differs and is missing elsewhere is told by version.
    assert sorted(differences(first, second)) == sorted(found)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 5)), unique=True), st.randoms())
@settings(max_examples=80, deadline=None)
def test_the_same_events_in_another_order_of_aggregates_are_the_same(
    keys: list[tuple[str, int]], random: object
) -> None:
    events = [(aggregate, version, f"{aggregate}{version}".encode()) for aggregate, version in keys]
    by_aggregate = sorted(events, key=lambda event: event[0])
    assert differences(events, by_aggregate) == []
    if events:
        assert differences(events, events[1:]) == [("MISSING", events[0][0], events[0][1])]
        assert differences(events[1:], events) == [("EXTRA", events[0][0], events[0][1])]


def test_repeats_are_counted() -> None:
    found = side([A1, A1, A2])
    assert (found.count, found.repeats) == (3, 1)


def altered(**changes: object) -> EventRecord:
    return record(**changes)  # type: ignore[arg-type]


def test_a_replayed_record_is_the_same_and_any_byte_changed_is_not() -> None:
    original = record()
    same = fingerprints.of_record(original)
    replayed = record(headers=marked(original, "r1"), partition=3, offset=99)
    assert fingerprints.of_record(replayed) == same
    headers = list(original.headers)
    for other in (
        altered(value=original.value + b"\x00"),
        altered(value=None),
        altered(key=b"referrals/2"),
        altered(headers=[*headers, ("x", b"")]),
        altered(headers=headers[1:]),
        altered(after_s=1),
        altered(version=2),
    ):
        assert fingerprints.of_record(other) != same


def test_a_published_event_has_the_fingerprint_of_what_is_stored() -> None:
    published = record()
    stored = {
        "event_id": "referrals/1-1",
        "type_": "ReferralAccepted",
        "recorded_at": NOW,
        "payload_sha256": sha256(published.value).digest(),
    }
    assert fingerprints.of_event(**stored) == fingerprints.of_published(published)  # type: ignore[arg-type]
    for name, value in (
        ("event_id", "e2"),
        ("type_", "ReferralDeclined"),
        ("recorded_at", NOW + timedelta(microseconds=1)),
        ("payload_sha256", bytes(32)),
    ):
        other = fingerprints.of_event(**{**stored, name: value})  # type: ignore[arg-type]
        assert other != fingerprints.of_published(published)


def test_a_document_counts_everything_and_lists_some() -> None:
    comparison = Comparison(shown_max=1)
    assert comparison.is_same
    comparison.add(TOPIC.name, ("first", side([A1, A2])), ("second", side([A1, A1, B1])))
    found = comparison.document()
    assert not found["same"]
    assert found["counts"] == {"MISSING": 1, "EXTRA": 1, "ALTERED": 0, "REORDERED": 0}
    assert found["differences"] == [{"kind": "MISSING", "topic": TOPIC.name, "aggregate": "a", "version": 2}]
    assert found["compared"][0][1] == {"name": "second", "events": 3, "repeats": 1}
