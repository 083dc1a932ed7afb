"""How each kind of aggregate of this service is encoded: domain values to the messages of `protos/`."""

from typing import cast

from services.bed.application.aggregates import Aggregates
from services.bed.domain import bed_desk, values
from services.bed.domain import ward as wards
from services.bed.domain.bed_desk import BedDesk
from services.bed.domain.desk_events import BED_EVENTS, DeskEvent
from services.bed.domain.events import Event
from services.bed.domain.state import Ward
from services.bed.domain.values import BedEnvelope
from services.shared.eventstore.aggregate import AggregateKind
from services.shared.eventstore.units import Claim
from services.shared.kernel.command import Recorded
from services.shared.protocodec import EventCodec
from tierlink.bed.v1 import bed_events_pb2
from tierlink.type.v1 import type_pb2

BED_TOPIC = "tierlink.bed.events.v1"
#: Kinds whose events operators may export as they are stored: all there are.
EXPORTED_KINDS = frozenset({"ward", "desk"})


def _claims(found: tuple[values.Claim, ...]) -> tuple[Claim, ...]:
    return tuple(Claim(kind=claim.kind, key=claim.key, holder=claim.holder) for claim in found)


def build_aggregates() -> Aggregates:
    """Compiles the codecs. Raises CodecMismatch when an event and its message do not fit."""
    # Wards and desks share a topic and its message.
    codec: EventCodec[Event | DeskEvent] = EventCodec(
        bed_events_pb2.BedEvent, type_pb2.EventMetadata, BED_EVENTS, envelope_type=BedEnvelope
    )
    return Aggregates(
        ward=AggregateKind(
            name="ward",
            topic=BED_TOPIC,
            state_type=Ward,
            # A ward of before knows nothing of the bed types that it left.
            fold_version=2,
            evolve=wards.evolve,
            encode_event=lambda meta, event, state: codec.encode(meta, event, wards.envelope(state)),
            decode_event=lambda stored: cast("Recorded[Event]", codec.decode(stored)),
            deadlines=wards.deadlines,
            facets=wards.facets,
            claims=lambda state: _claims(wards.claims(state)),
        ),
        desk=AggregateKind(
            name="desk",
            topic=BED_TOPIC,
            state_type=BedDesk,
            evolve=bed_desk.evolve,
            encode_event=lambda meta, event, state: codec.encode(meta, event, bed_desk.envelope(state)),
            decode_event=lambda stored: cast("Recorded[DeskEvent]", codec.decode(stored)),
            deadlines=bed_desk.deadlines,
            facets=bed_desk.facets,
            claims=lambda state: _claims(bed_desk.claims(state)),
        ),
    )
