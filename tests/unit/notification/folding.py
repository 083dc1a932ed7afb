"""Folds events of boards, drills and plans as the store would, each state and event checked on the way."""

from datetime import datetime
from typing import Any

import msgspec

from services.notification.adapters.aggregate_codecs import build_aggregates
from services.shared.kernel.actor import Actor
from services.shared.kernel.command import EventMetadata, Recorded
from tests.unit.notification.scenario import NOW, REQUEST, SYSTEM

KINDS = build_aggregates()


def folded(kind: str, name: str, state: Any, event: Any, *, at: datetime = NOW, by: Actor = SYSTEM) -> Any:
    """The state after one more event; it reads back from its snapshot, and the event from its message."""
    aggregate = KINDS.by_name()[kind]
    version = 1 if state is None else state.version + 1
    metadata = EventMetadata(
        event_id=f"{name}-{version}",
        aggregate_id=name,
        version=version,
        type=type(event).__name__,
        occurred_at=at,
        recorded_at=at,
        actor=by,
        request_id=REQUEST,
    )
    entry = Recorded(event=event, metadata=metadata)
    after = aggregate.evolve(state, entry)
    assert aggregate.decode_event(aggregate.encode_event(metadata, event, after)) == entry
    snapshot = aggregate.encode_state(after)
    assert aggregate.decode_state(snapshot) == after
    assert msgspec.msgpack.encode(aggregate.decode_state(snapshot)) == snapshot
    return after
