"""How an operator's decisions on read models are stored."""

from services.shared.eventstore.aggregate import AggregateKind
from services.shared.projections import decisions
from services.shared.projections.decisions import DecisionEvent, ProjectionFile
from services.shared.protocodec import EventCodec
from tierlink.projection.v1 import projection_events_pb2
from tierlink.type.v1 import type_pb2

_KIND = "projections"


def projection_kind() -> AggregateKind[ProjectionFile, DecisionEvent]:
    """How decisions are encoded. Raises CodecMismatch when an event and its message do not fit."""
    codec: EventCodec[DecisionEvent] = EventCodec(
        projection_events_pb2.ProjectionEvent, type_pb2.EventMetadata, decisions.EVENTS
    )
    return AggregateKind(
        name=_KIND,
        topic=None,
        state_type=ProjectionFile,
        evolve=decisions.evolve,
        encode_event=lambda meta, event, state: codec.encode(meta, event),
        decode_event=codec.decode,
        deadlines=decisions.deadlines,
        facets=decisions.facets,
    )
