"""How an operator's decisions on dead letters are stored."""

from services.shared.dead_letters import decisions
from services.shared.dead_letters.decisions import DecisionEvent, LetterFile
from services.shared.eventstore.aggregate import AggregateKind
from services.shared.protocodec.stored_kind import stored_kind
from tierlink.inbox.v1 import dead_letter_events_pb2

_KIND = "dead_letters"


def dead_letter_kind() -> AggregateKind[LetterFile, DecisionEvent]:
    """How decisions are encoded. Raises CodecMismatch when an event and its message do not fit."""
    return stored_kind(_KIND, LetterFile, decisions, dead_letter_events_pb2.DeadLetterEvent)
