"""Bed events read, and availability written and read, as records of Kafka."""

from dataclasses import dataclass
from datetime import UTC

from services.bed.domain.availability_fold import WardLine
from services.bed.domain.values import Availability, BedType, WardCounts
from services.shared.clocks.day_clock import DAY_CLOCK
from services.shared.kafka.cloud_events import event_headers
from services.shared.kernel.ids import derive_id
from services.shared.protocodec import MessageCodec
from tierlink.bed.v1 import bed_events_pb2, bed_pb2
from tierlink.type.v1 import type_pb2

AVAILABILITY_TOPIC = "tierlink.bed.availability.v1"
EVENT_TYPE = "AvailabilityChanged"

_SOURCE = b"/tierlink/bed"
_WARDS = "wards/"
_COUNTS: MessageCodec[WardCounts, bed_pb2.WardCounts] = MessageCodec(WardCounts, bed_pb2.WardCounts)
_AVAILABILITY: MessageCodec[Availability, bed_pb2.Availability] = MessageCodec(
    Availability, bed_pb2.Availability
)


@dataclass(frozen=True, kw_only=True, slots=True)
class AvailabilityRecord:
    """One record of `tierlink.bed.availability.v1`."""

    #: `{facility}/{bed type}`
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


def line_of(value: bytes) -> WardLine | None:
    """What a bed event says of its ward; None for a bed desk's, which has no beds.

    Raises DecodeError or ValueError for what is no bed event.
    """
    event = bed_events_pb2.BedEvent.FromString(value)
    name = event.metadata.aggregate_id
    if not name.startswith(_WARDS) or not event.HasField("counts"):
        return None
    return WardLine(
        ward=name.removeprefix(_WARDS),
        version=event.metadata.version,
        facility=event.facility,
        bed_type=BedType(type_pb2.BedType.Name(event.bed_type).removeprefix("BED_TYPE_")),
        counts=_COUNTS.from_message(event.counts),
        confirmed_at=event.confirmed_at.ToDatetime(UTC) if event.HasField("confirmed_at") else None,
        left_types=dict(event.left_types),
    )


def record_of(found: Availability, *, version: int, traceparent: str) -> AvailabilityRecord:
    """A facility's counts of one bed type as a CloudEvent; `version` grows with each change."""
    key = f"{found.facility}/{found.bed_type.value}"
    return AvailabilityRecord(
        key=key.encode(),
        value=_AVAILABILITY.to_message(found).SerializeToString(),
        headers=event_headers(
            source=_SOURCE,
            event_id=derive_id("availability", key, str(version)),
            type_=EVENT_TYPE,
            subject=key.encode(),
            recorded_at=DAY_CLOCK.now(),
            version=version,
            traceparent=traceparent,
        ),
    )


def availability_in(value: bytes) -> Availability:
    """Raises DecodeError or ValueError for what is none."""
    return _AVAILABILITY.from_message(bed_pb2.Availability.FromString(value))
