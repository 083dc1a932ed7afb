"""How an operator's decisions on read models are stored."""

from services.shared.eventstore.aggregate import AggregateKind
from services.shared.projections import decisions
from services.shared.projections.decisions import DecisionEvent, ProjectionFile
from services.shared.protocodec.stored_kind import stored_kind
from tierlink.projection.v1 import projection_events_pb2

_KIND = "projections"


def projection_kind() -> AggregateKind[ProjectionFile, DecisionEvent]:
    """How decisions are encoded. Raises CodecMismatch when an event and its message do not fit."""
    return stored_kind(_KIND, ProjectionFile, decisions, projection_events_pb2.ProjectionEvent)
