"""How an operator's decisions on dead letters are stored."""

from services.shared.dead_letters import decisions
from services.shared.dead_letters.decisions import DecisionEvent, LetterFile
from services.shared.eventstore.aggregate import AggregateKind
from services.shared.protocodec import EventCodec
from tierlink.inbox.v1 import dead_letter_events_pb2
from tierlink.type.v1 import type_pb2

_KIND = "dead_letters"


def dead_letter_kind() -> AggregateKind[LetterFile, DecisionEvent]:
    """How decisions are encoded. Raises CodecMismatch when an event and its message do not fit."""
    codec: EventCodec[DecisionEvent] = EventCodec(
        dead_letter_events_pb2.DeadLetterEvent, type_pb2.EventMetadata, decisions.EVENTS
    )
    return AggregateKind(
        name=_KIND,
        topic=None,
        state_type=LetterFile,
        evolve=decisions.evolve,
        encode_event=lambda meta, event, state: codec.encode(meta, event),
        decode_event=codec.decode,
        deadlines=decisions.deadlines,
        facets=decisions.facets,
    )
