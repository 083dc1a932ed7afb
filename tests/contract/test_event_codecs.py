"""Every event of every service is read back as it was: the fold of what is stored is the state."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.bed.adapters.aggregate_codecs import build_aggregates as build_bed
from services.bed.domain import bed_desk
from services.bed.domain import ward as wards
from services.bed.domain.desk_events import BED_EVENTS
from services.bed.domain.events import BedUnavailable
from services.notification.adapters.aggregate_codecs import build_aggregates as build_notification
from services.notification.domain import alert as alerts
from services.notification.domain import contact_points
from services.notification.domain import roster as rosters
from services.referral.adapters.aggregate_codecs import build_aggregates as build_referral
from services.referral.domain import consultation as consultations
from services.referral.domain import directory as directories
from services.referral.domain import episode as episodes
from services.referral.domain import referral as referrals
from services.referral.domain import standing as orders
from services.shared.eventstore.aggregate import AggregateKind
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.command import EventMetadata
from services.shared.projections import decisions
from services.shared.protocodec import EventCodec
from tierlink.bed.v1 import bed_events_pb2
from tierlink.notification.v1 import alert_events_pb2, contact_events_pb2, roster_events_pb2
from tierlink.projection.v1 import projection_events_pb2
from tierlink.referral.v1 import (
    consultation_events_pb2,
    directory_events_pb2,
    episode_events_pb2,
    referral_events_pb2,
    standing_events_pb2,
)
from tierlink.type.v1 import type_pb2

MESSAGES: list[tuple[Any, tuple[type, ...]]] = [
    (referral_events_pb2.ReferralEvent, referrals.EVENTS),
    (episode_events_pb2.EpisodeEvent, episodes.EVENTS),
    (consultation_events_pb2.ConsultationEvent, consultations.EVENTS),
    (directory_events_pb2.DirectoryEvent, directories.EVENTS),
    (standing_events_pb2.StandingEvent, orders.EVENTS),
    (bed_events_pb2.BedEvent, BED_EVENTS),
    (alert_events_pb2.AlertEvent, alerts.EVENTS),
    (roster_events_pb2.RosterEvent, rosters.EVENTS),
    (contact_events_pb2.ContactEvent, contact_points.EVENTS),
    (projection_events_pb2.ProjectionEvent, decisions.EVENTS),
]

# What a field of a message can hold: moments in UTC to the microsecond, numbers of 32 bits, short texts.
st.register_type_strategy(
    datetime,
    st.datetimes(
        datetime(1950, 1, 1),  # noqa: DTZ001 - hypothesis adds the time zone
        datetime(2150, 1, 1),  # noqa: DTZ001
        timezones=st.just(UTC),
    ),
)
st.register_type_strategy(int, st.integers(0, 2**31 - 1))
st.register_type_strategy(str, st.text(max_size=8))
# A measured value is a number: NaN is equal to nothing, itself included.
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))

METADATA = EventMetadata(
    event_id="e",
    aggregate_id="referrals/1",
    version=3,
    type="X",
    occurred_at=datetime(2026, 3, 1, tzinfo=UTC),
    recorded_at=datetime(2026, 3, 1, 0, 0, 0, 7, tzinfo=UTC),
    actor=Actor(user="u", name="n", facility="f", roles=(Role.CLINICIAN,)),
    request_id="r",
)


@pytest.mark.parametrize(
    "message, event",
    [(message, event) for message, events in MESSAGES for event in events],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_an_event_is_read_back_as_it_was(message: Any, event: type, data: st.DataObject) -> None:
    events = next(events for found, events in MESSAGES if found is message)
    codec: EventCodec[Any] = EventCodec(message, type_pb2.EventMetadata, events)
    value = data.draw(st.from_type(event))

    stored = codec.encode(METADATA, value)
    recorded = codec.decode(stored)

    assert recorded.event == value
    assert recorded.metadata == METADATA


@pytest.mark.parametrize("build", [build_referral, build_bed, build_notification])
def test_every_kind_of_aggregate_has_a_codec_that_fits(build: Callable[[], Any]) -> None:
    kinds: dict[str, AggregateKind[Any, Any]] = build().by_name()
    assert all(kind.name == name for name, kind in kinds.items())


def test_the_desk_tells_of_refused_beds_in_the_words_of_the_wards() -> None:
    assert set(bed_desk.EVENTS) & set(wards.EVENTS) == {BedUnavailable}
