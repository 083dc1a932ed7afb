"""Reads events of the other services as occurrences."""

from typing import Any

from services.notification.domain.occurrence import Occurrence, occurrence_of
from services.notification.entrypoints.reflection import plain
from services.shared.protocodec.shapes import timestamp_to_datetime
from tierlink.bed.v1 import bed_events_pb2
from tierlink.referral.v1 import consultation_events_pb2, referral_events_pb2, standing_events_pb2

REFERRAL_TOPIC = "tierlink.referral.events.v1"
CONSULTATION_TOPIC = "tierlink.consultation.events.v1"
BED_TOPIC = "tierlink.bed.events.v1"
STANDING_TOPIC = "tierlink.standing.events.v1"

_MESSAGES: dict[str, Any] = {
    REFERRAL_TOPIC: referral_events_pb2.ReferralEvent,
    CONSULTATION_TOPIC: consultation_events_pb2.ConsultationEvent,
    BED_TOPIC: bed_events_pb2.BedEvent,
    STANDING_TOPIC: standing_events_pb2.StandingEvent,
}

TOPICS = tuple(_MESSAGES)


def read_occurrence(topic: str, value: bytes) -> Occurrence:
    """An event as the rules see it.

    Raises KeyError for another topic, google.protobuf.message.DecodeError for bytes that are no event,
    ValueError for one without payload.
    """
    event = _MESSAGES[topic].FromString(value)
    payload = event.WhichOneof("payload")
    if payload is None:
        raise ValueError(f"an event of {topic} without a payload")
    metadata = event.metadata
    return occurrence_of(
        event_id=metadata.event_id,
        event_type=metadata.type,
        aggregate_id=metadata.aggregate_id,
        version=metadata.version,
        occurred_at=timestamp_to_datetime(metadata.occurred_at),
        recorded_at=timestamp_to_datetime(metadata.recorded_at),
        fields=plain(getattr(event, payload)),
        envelope=plain(event, leave_out=frozenset({"metadata", payload})),
    )
