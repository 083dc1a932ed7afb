"""What an operator can ask of a record, whatever is in it."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from services.operator.events.moments import BadMoment, read_moment
from services.operator.events.record import EventRecord, read_record
from services.operator.events.selection import Selection
from services.operator.events.topics import EVENT_TOPICS, UnknownTopic, topics_named
from services.shared.kafka.cloud_events import event_headers
from tierlink.referral.v1 import referral_events_pb2

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
NAME = "referrals/5d9f7c5e-0000-4000-8000-000000000001"


def requested(**changes: Any) -> EventRecord:
    event = referral_events_pb2.ReferralEvent(
        metadata={"aggregate_id": NAME, "version": 1, "actor": {"user": "dr", "facility": "wucaiwan"}},
        referral_requested={
            "episode": "episodes/1",
            "origin_facility": "wucaiwan",
            "offers": [{"facility": "jimsar-general"}],
        },
    )
    fields: dict[str, Any] = {
        "partition": 2,
        "offset": 7,
        "timestamp": int(NOW.timestamp() * 1000),
        "topic": "tierlink.referral.events.v1",
        "key": NAME.encode(),
        "value": event.SerializeToString(),
        "headers": event_headers(
            source=b"/tierlink/referral",
            event_id="e1",
            type_="ReferralRequested",
            subject=NAME.encode(),
            recorded_at=NOW,
            version=1,
            traceparent="",
        ),
    }
    return read_record(EVENT_TOPICS[0], SimpleNamespace(**{**fields, **changes}))


def test_a_record_names_its_facilities_and_its_episode_at_any_depth() -> None:
    record = requested()
    assert record.facilities() == {"wucaiwan", "jimsar-general"}
    assert record.episodes() == {"episodes/1"}
    assert (record.type, record.version, record.fault) == ("ReferralRequested", 1, "")
    assert record.document()["message"]["referral_requested"]["origin_facility"] == "wucaiwan"


@pytest.mark.parametrize(
    ("selection", "is_wanted"),
    [
        (Selection(), True),
        (Selection(aggregates=frozenset({NAME})), True),
        (Selection(aggregates=frozenset({"referrals/other"})), False),
        (Selection(types=frozenset({"ReferralAccepted"})), False),
        (Selection(facilities=frozenset({"jimsar-general"})), True),
        (Selection(facilities=frozenset({"hutubi"})), False),
        (Selection(episodes=frozenset({"episodes/1"})), True),
        (Selection(episodes=frozenset({"episodes/2"})), False),
        (Selection(since=NOW), True),
        (Selection(since=NOW + timedelta(seconds=1)), False),
        (Selection(until=NOW), False),
        (Selection(types=frozenset({"ReferralRequested"}), facilities=frozenset({"hutubi"})), False),
    ],
)
def test_every_filter_must_hold(selection: Selection, is_wanted: bool) -> None:
    assert selection.wants(requested()) is is_wanted


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"headers": ()}, "no header ce_specversion"),
        ({"key": None}, "no key"),
        ({"value": b"\xff\xff\xff"}, "the value is no ReferralEvent"),
    ],
)
def test_what_cannot_be_read_is_shown_with_what_is_wrong(changes: dict[str, Any], fault: str) -> None:
    record = requested(**changes)
    assert record.fault == fault
    assert record.message is None
    assert record.time == NOW
    assert Selection().wants(record)
    assert not Selection(facilities=frozenset({"wucaiwan"})).wants(record)


def test_moments() -> None:
    assert read_moment("15m", now=NOW) == NOW - timedelta(minutes=15)
    assert read_moment("3d", now=NOW) == NOW - timedelta(days=3)
    assert read_moment("2026-11-22T01:00", now=NOW) == NOW - timedelta(hours=2)
    assert read_moment("2026-11-22T11:00+08:00", now=NOW) == NOW
    for text in ("yesterday", "15", "2026-13-01"):
        with pytest.raises(BadMoment):
            read_moment(text, now=NOW)


def test_topics_have_short_names_and_whole_ones() -> None:
    assert topics_named(()) == EVENT_TOPICS
    (bed,) = topics_named(("bed", "tierlink.bed.events.v1"))
    assert bed.name == "tierlink.bed.events.v1"
    with pytest.raises(UnknownTopic, match="beds"):
        topics_named(("beds",))
