"""given(events).when(command).then(events or refusal), for a ward with beds `w-01`, `w-02`…

Every state on the way is checked: its counts add up, its snapshot reads back and encodes to the same bytes,
and every event survives its protobuf message.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, TypeVar

import msgspec

from services.bed.domain import commands as ask
from services.bed.domain import events as happened
from services.bed.domain import ward
from services.bed.domain.desk_events import BED_EVENTS, DeskEvent
from services.bed.domain.state import Ward, count
from services.bed.domain.values import (
    Bed,
    BedConstraints,
    BedEnvelope,
    BedState,
    BedType,
    CodedReason,
    Hold,
    WardCounts,
)
from services.shared.kernel.actor import Actor, Role, system_actor
from services.shared.kernel.command import CommandContext, EventMetadata, Recorded
from services.shared.kernel.ids import resource_name
from services.shared.kernel.refusals import InvalidInput, NotAllowed, NotFound, NotPermitted, Refused
from services.shared.kernel.text import BilingualText
from services.shared.protocodec import EventCodec

E = TypeVar("E")

NOW = datetime(2025, 3, 4, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
REQUEST = "1d0d8d1e-6a1f-4a3c-8f6e-3f1a0c5b7e11"
HOSPITAL = "jimsar-general"
NAME = BilingualText(zh="卒中病区", en="Stroke unit")
R1, R2, R3 = (f"referrals/0000000{n}-0000-4000-8000-000000000000" for n in (1, 2, 3))
REASON = CodedReason(code="REFERRAL_CANCELLED", text="")


def person(*roles: Role, facility: str = HOSPITAL) -> Actor:
    return Actor(user="u-1", name="王护士", facility=facility, roles=roles)


BED_DESK = person(Role.BED_DESK)
SYSTEM = system_actor("bed")


def context(
    by: Actor = BED_DESK, *, at: datetime = NOW, recorded_at: datetime | None = None, request: str = REQUEST
) -> CommandContext:
    return CommandContext(request_id=request, actor=by, occurred_at=at, recorded_at=recorded_at or at)


def recorded(event: E, version: int, at: datetime = NOW, stream: str = "wards/w") -> Recorded[E]:
    metadata = EventMetadata(
        event_id=f"e-{version}",
        aggregate_id=stream,
        version=version,
        type=type(event).__name__,
        occurred_at=at,
        recorded_at=at,
        actor=BED_DESK,
        request_id=REQUEST,
    )
    return Recorded(event=event, metadata=metadata)


@cache
def bed_event_codec() -> EventCodec[ward.Event | DeskEvent]:
    from tierlink.bed.v1 import bed_events_pb2  # noqa: PLC0415
    from tierlink.type.v1 import type_pb2  # noqa: PLC0415

    return EventCodec(bed_events_pb2.BedEvent, type_pb2.EventMetadata, BED_EVENTS, BedEnvelope)


def step(state: Ward | None, event: ward.Event, at: datetime = NOW) -> Ward:
    """The state after the event, checked."""
    version = 1 if state is None else state.version + 1
    entry = recorded(event, version, at)
    after = ward.evolve(state, entry)
    parts = after.counts
    assert parts == count(after.beds)
    assert parts.free + parts.held + parts.occupied + parts.cleaning + parts.blocked == parts.beds
    snapshot = msgspec.msgpack.encode(after)
    read = msgspec.msgpack.decode(snapshot, type=Ward)
    assert read == after
    assert msgspec.msgpack.encode(read) == snapshot
    stored = bed_event_codec().encode(entry.metadata, event, ward.envelope(after))
    assert bed_event_codec().decode(stored) == entry
    return after


def fold(*events: ward.Event) -> Ward:
    state = None
    for event in events:
        state = step(state, event)
    assert state is not None
    return state


class Outcome:
    """What a command came to."""

    def __init__(
        self,
        before: Ward | None,
        events: tuple[ward.Event, ...] = (),
        refusal: Refused | None = None,
        at: datetime = NOW,
    ) -> None:
        self.events = events
        self.refusal = refusal
        self._before = before
        self._at = at

    @property
    def state(self) -> Ward:
        """The ward after the command."""
        assert self.refusal is None, self.refusal
        state = self._before
        for event in self.events:
            state = step(state, event, self._at)
        assert state is not None
        return state

    def then(self, *events: ward.Event) -> Ward:
        assert self.refusal is None, self.refusal
        assert self.events == events
        return self.state

    def then_nothing(self) -> Ward:
        return self.then()

    def then_refused(self, *codes: str) -> NotAllowed:
        assert isinstance(self.refusal, NotAllowed), (self.refusal, self.events)
        assert tuple(rule.code for rule in self.refusal.failed_rules) == codes
        assert all(rule.text.zh and rule.text.en for rule in self.refusal.failed_rules)
        assert self.refusal.state
        assert self.refusal.resource_name
        return self.refusal

    def then_invalid(self, *wrong: str) -> None:
        """Every wrong field with its reason, as `field REASON`."""
        assert isinstance(self.refusal, InvalidInput), (self.refusal, self.events)
        found = self.refusal.violations
        assert tuple(f"{violation.field} {violation.reason}" for violation in found) == wrong

    def then_not_permitted(self, reason: str) -> None:
        assert isinstance(self.refusal, NotPermitted), (self.refusal, self.events)
        assert self.refusal.reason == reason
        assert self.refusal.text.zh

    def then_not_found(self, resource_type: str, name: str) -> None:
        assert isinstance(self.refusal, NotFound), (self.refusal, self.events)
        assert (self.refusal.resource_type, self.refusal.resource_name) == (resource_type, name)


class Given:
    def __init__(self, *events: ward.Event) -> None:
        self.state = fold(*events) if events else None

    def when(
        self,
        command: ward.Command,
        by: Actor | None = None,
        *,
        at: datetime = NOW,
        recorded_at: datetime | None = None,
    ) -> Outcome:
        by = by or (SYSTEM if type(command) in ask.REACTIONS else BED_DESK)
        try:
            events = ward.decide(self.state, command, context(by, at=at, recorded_at=recorded_at))
        except Refused as refusal:
            return Outcome(self.state, refusal=refusal)
        return Outcome(self.state, events, at=at)


def given(*events: ward.Event) -> Given:
    return Given(*events)


def beds(number: int = 3, /, **constraints: BedConstraints) -> tuple[Bed, ...]:
    """`w-01`…; constraints by `w_01`."""
    ids = [f"w-{index:02d}" for index in range(1, number + 1)]
    return tuple(
        Bed(id=bed, constraints=constraints.get(bed.replace("-", "_"), BedConstraints())) for bed in ids
    )


def described(
    number: int = 3, bed_type: BedType = BedType.STROKE_UNIT, /, **constraints: BedConstraints
) -> ward.Event:
    return happened.WardApplied(
        facility=HOSPITAL, bed_type=bed_type, name=NAME, added_beds=beds(number, **constraints)
    )


def hold(bed: str = "w-01", referral: str = R1, token: int = 1, expires_at: datetime = NOW + HOUR) -> Hold:
    return Hold(
        name=resource_name("holds", REQUEST, "0") if referral == R1 else f"holds/{referral[10:]}",
        referral=referral,
        patient=f"p-{referral[17]}",
        ward="w",
        bed=bed,
        facility=HOSPITAL,
        fencing_token=token,
        held_at=NOW,
        expires_at=expires_at,
    )


def on_road(lease: Hold) -> Hold:
    return replace(lease, patient_in_transit=True)


def hold_bed(referral: str = R1, /, **fields: Any) -> ask.HoldBed:
    asked = ask.HoldBed(
        facility=HOSPITAL,
        referral=referral,
        patient=f"p-{referral[17]}",
        bed_type=BedType.STROKE_UNIT,
        expires_at=NOW + HOUR,
    )
    return replace(asked, **fields)


def lapse(state: Ward) -> ask.MeetDeadline:
    """The command of the ward's first deadline."""
    return ask.MeetDeadline(key=ward.deadlines(state)[0].key)


#: events that bring bed `w-01` into each state, after `described()`
BED_IN: dict[BedState, tuple[ward.Event, ...]] = {
    BedState.FREE: (),
    BedState.HELD: (happened.BedHeld(hold=hold()),),
    BedState.OCCUPIED: (
        happened.BedHeld(hold=hold()),
        happened.BedOccupied(bed="w-01", hold=hold(), patient="p-1"),
    ),
    BedState.CLEANING: (
        happened.BedOccupied(bed="w-01", patient="p-9"),
        happened.BedVacated(bed="w-01", patient="p-9"),
    ),
    BedState.BLOCKED: (happened.BedBlocked(bed="w-01", reason=CodedReason(code="BROKEN")),),
}


def counts(**parts: int) -> WardCounts:
    return WardCounts(beds=sum(parts.values()), **parts)
