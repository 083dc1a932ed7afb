"""A toy aggregate, so that the store's tests depend on no service."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import msgspec

from services.shared.eventstore.aggregate import AggregateKind
from services.shared.eventstore.units import Claim
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.command import CommandContext, Deadline, EventMetadata, Recorded
from services.shared.kernel.ids import derive_id

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
SENDER = Actor(user="u1", name="Sender", facility="depot", roles=(Role.CLINICIAN,))


@dataclass(frozen=True, kw_only=True, slots=True)
class Moved:
    to: str
    due_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Parcel:
    name: str
    version: int
    at: str
    due_at: datetime | None
    moves: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Stored:
    metadata: EventMetadata
    event: Moved


def evolve(state: Parcel | None, recorded: Recorded[Moved]) -> Parcel:
    metadata, event = recorded.metadata, recorded.event
    if state is None:
        state = Parcel(name=metadata.aggregate_id, version=0, at="", due_at=None, moves=0)
    return replace(state, version=metadata.version, at=event.to, due_at=event.due_at, moves=state.moves + 1)


def _encode(metadata: EventMetadata, event: Moved, state: Parcel) -> bytes:
    return msgspec.msgpack.encode(_Stored(metadata=metadata, event=event))


def _decode(stored: bytes) -> Recorded[Moved]:
    found = msgspec.msgpack.decode(stored, type=_Stored)
    return Recorded(event=found.event, metadata=found.metadata)


def _deadlines(state: Parcel) -> tuple[Deadline, ...]:
    return () if state.due_at is None else (Deadline(key="arrive", due_at=state.due_at),)


def _claims(state: Parcel) -> tuple[Claim, ...]:
    return (Claim(kind="shelf", key=state.at, holder=state.name),) if state.at.startswith("shelf") else ()


PARCEL: AggregateKind[Parcel, Moved] = AggregateKind(
    name="parcel",
    topic="test.parcel.events.v1",
    state_type=Parcel,
    evolve=evolve,
    encode_event=_encode,
    decode_event=_decode,
    deadlines=_deadlines,
    facets=lambda state: {"state": state.at, "parties": ["depot", state.at], "live": state.at != "end"},
    claims=_claims,
)


def context(request: str, *, expected_version: int | None = None, minutes: int = 0) -> CommandContext:
    """A command's context; the same `request` gives the same request id."""
    return CommandContext(
        request_id=derive_id("request", request),
        actor=SENDER,
        occurred_at=NOW + timedelta(minutes=minutes),
        recorded_at=NOW + timedelta(minutes=minutes),
        expected_version=expected_version,
    )
