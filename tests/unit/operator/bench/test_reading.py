"""The made-up network, and the rows that are written for it from templates."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import orjson

from services.operator.bench.network import COMMUNITIES, communities, event_id, facilities, journey, lead
from services.operator.bench.reading_cases import first_pages
from services.operator.bench.templates import COURSES, DESTINATION, ORIGIN, EventTemplate, StreamTemplate
from tierlink.referral.v1 import referral_events_pb2

NOW = datetime(2026, 3, 1, 8, 30, 0, 250_000, tzinfo=UTC)


def test_the_network_has_three_hundred_facilities_with_ids_of_one_length() -> None:
    found = facilities()
    assert len(found) == len({each.id for each in found}) == 300
    assert {len(each.id) for each in found} == {len(ORIGIN)} == {len(DESTINATION)}
    assert {each.community for each in found} == {each.id for each in communities()}
    assert len(communities()) == COMMUNITIES


def test_a_journey_is_the_same_whoever_asks_and_its_ids_ascend() -> None:
    journeys = [journey(number, 7) for number in range(2_000)]
    assert journeys == [journey(number, 7) for number in range(2_000)]
    names = [each.referral for each in journeys]
    assert names == sorted(set(names))
    assert all(UUID(each.referral.partition("/")[2]).version == 5 for each in journeys)
    ids = {event_id(number, kind, v) for number in range(50) for kind in (1, 2) for v in range(1, 12)}
    assert len(ids) == 50 * 2 * 11
    known = {each.id for each in facilities()}
    assert {each.origin for each in journeys} | {each.destination for each in journeys} <= known
    share = sum(each.destination == lead(0) for each in journeys) / len(journeys)
    assert 0.04 < share < 0.09


def test_a_template_moves_in_time_as_a_whole() -> None:
    message = referral_events_pb2.ReferralEvent()
    message.metadata.recorded_at.FromDatetime(NOW)
    template = StreamTemplate(
        kind="referral",
        name="referrals/1",
        fold_version=1,
        facets=orjson.dumps({"created": NOW.isoformat(), "state": "CLOSED"}),
        snapshot=msgspec.msgpack.encode({"create_time": NOW, "offers": [{"sent_at": NOW}], "hop_count": 1}),
        events=(EventTemplate(id=b"1", type="X", recorded_at=NOW, payload=message.SerializeToString()),),
    )
    by = -timedelta(days=30)
    moved = template.moved(by)
    assert orjson.loads(moved.facets)["created"] == (NOW + by).isoformat()
    assert msgspec.msgpack.decode(moved.snapshot) == {
        "create_time": NOW + by,
        "offers": [{"sent_at": NOW + by}],
        "hop_count": 1,
    }
    payload = referral_events_pb2.ReferralEvent.FromString(moved.events[0].payload)
    assert payload.metadata.recorded_at.ToDatetime(UTC) == moved.events[0].recorded_at == NOW + by


def test_every_case_is_read_under_a_name_of_its_own() -> None:
    keys = [case.key for case in first_pages(["referrals/1"])]
    assert len(keys) == len(set(keys))
    assert sum(weight for weight, _, _ in COURSES) == 1000
