"""Folds an alert, and checks on the way that nothing is lost in a snapshot or in an event's bytes."""

from functools import cache

import msgspec

from services.notification.domain import alert
from services.shared.kernel.command import CommandContext, EventMetadata, Recorded
from services.shared.protocodec import EventCodec


@cache
def alert_codec() -> EventCodec[alert.AlertEvent]:
    from tierlink.notification.v1 import alert_events_pb2  # noqa: PLC0415
    from tierlink.type.v1 import type_pb2  # noqa: PLC0415

    return EventCodec(alert_events_pb2.AlertEvent, type_pb2.EventMetadata, alert.EVENTS)


def evolved(
    name: str, state: alert.Alert | None, event: alert.AlertEvent, given: CommandContext
) -> alert.Alert:
    """The state of the alert `name` after the event, checked."""
    metadata = EventMetadata(
        event_id=f"{name}-{state.version + 1 if state else 1}",
        aggregate_id=name,
        version=state.version + 1 if state else 1,
        type=type(event).__name__,
        occurred_at=given.occurred_at,
        recorded_at=given.recorded_at,
        actor=given.actor,
        request_id=given.request_id,
    )
    entry = Recorded(event=event, metadata=metadata)
    after = alert.evolve(state, entry)
    snapshot = msgspec.msgpack.encode(after)
    read = msgspec.msgpack.decode(snapshot, type=alert.Alert)
    assert read == after
    assert msgspec.msgpack.encode(read) == snapshot
    assert alert_codec().decode(alert_codec().encode(metadata, event)) == entry
    return after
