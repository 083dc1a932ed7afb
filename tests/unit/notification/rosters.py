"""Duties and rosters, checked as the store would keep them."""

from datetime import datetime

import msgspec

from services.notification.domain import roster
from services.notification.domain.roster import Roster, RosterEvent
from services.notification.domain.roster_commands import RosterApplied
from services.notification.domain.values import Duty
from services.shared.kernel.actor import Role
from services.shared.kernel.command import EventMetadata, Recorded
from services.shared.protocodec import EventCodec
from tests.unit.notification.scenario import HOSPITAL, NOW, REQUEST, person

OPERATOR = person(Role.OPERATOR, facility="")


def duty(
    user: str,
    role: str = "STROKE",
    step: str = "duty",
    *,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    facility: str = HOSPITAL,
    channels: tuple[str, ...] = (),
) -> Duty:
    return Duty(
        facility=facility,
        role=role,
        step=step,
        user=user,
        name=user,
        starts_at=starts_at,
        ends_at=ends_at,
        channels=channels,
    )


def roster_of(*duties: Duty, facility: str = HOSPITAL, version: int = 1) -> Roster:
    """The roster as its one event leaves it; checked as the store would keep it."""
    from tierlink.notification.v1 import roster_events_pb2  # noqa: PLC0415
    from tierlink.type.v1 import type_pb2  # noqa: PLC0415

    event = RosterApplied(facility=facility, duties=duties)
    metadata = EventMetadata(
        event_id="e-1",
        aggregate_id=roster.roster_name(facility),
        version=version,
        type="RosterApplied",
        occurred_at=NOW,
        recorded_at=NOW,
        actor=OPERATOR,
        request_id=REQUEST,
    )
    codec: EventCodec[RosterEvent] = EventCodec(
        roster_events_pb2.RosterEvent, type_pb2.EventMetadata, roster.EVENTS
    )
    entry: Recorded[RosterEvent] = Recorded(event=event, metadata=metadata)
    assert codec.decode(codec.encode(metadata, event)) == entry
    state = roster.evolve(None, entry)
    snapshot = msgspec.msgpack.encode(state)
    assert msgspec.msgpack.decode(snapshot, type=Roster) == state
    assert msgspec.msgpack.encode(msgspec.msgpack.decode(snapshot, type=Roster)) == snapshot
    return state
