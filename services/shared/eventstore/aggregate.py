"""What the store needs to know of one kind of aggregate: how its events are read, folded and kept."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec
import orjson

from services.shared.eventstore.units import Claim, NewEvent, OutboxMessage, StoredEvent, StreamChange
from services.shared.kernel.command import CommandContext, Deadline, EventMetadata, Recorded
from services.shared.kernel.hash_chain import genesis, link
from services.shared.kernel.ids import derive_id

S = TypeVar("S")
E = TypeVar("E")

#: A JSON object.
Facets = Mapping[str, object]

#: Makes a snapshot's bytes; without a state of its own between two calls.
_STATES = msgspec.msgpack.Encoder()


def no_claims(state: object) -> tuple[Claim, ...]:
    """For aggregates that need nothing that only one may have."""
    return ()


@dataclass(frozen=True, kw_only=True)
class AggregateKind(Generic[S, E]):
    """One kind of aggregate: pure functions of its domain and the codec of its events."""

    #: such as `referral`
    name: str
    #: Kafka topic of its events; None when they stay in the store
    topic: str | None
    state_type: type[S]
    evolve: Callable[[S | None, Recorded[E]], S]
    encode_event: Callable[[EventMetadata, E, S], bytes]
    decode_event: Callable[[bytes], Recorded[E]]
    deadlines: Callable[[S], tuple[Deadline, ...]]
    facets: Callable[[S], Facets]
    claims: Callable[[S], tuple[Claim, ...]] = no_claims
    #: raised when the fold changes its meaning: older snapshots are then folded anew
    fold_version: int = 1

    def encode_state(self, state: S) -> bytes:
        return _STATES.encode(state)

    def decode_state(self, snapshot: bytes) -> S:
        """Raises msgspec.DecodeError when the bytes are not such a state."""
        return msgspec.msgpack.decode(snapshot, type=self.state_type)

    def fold(self, events: Sequence[StoredEvent]) -> S | None:
        """The state after `events`, which must be an aggregate's first ones in order."""
        state: S | None = None
        for event in events:
            state = self.evolve(state, self.decode_event(event.payload))
        return state


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded(Generic[S]):
    """An aggregate as it was loaded or as it stands within a unit of work."""

    stream_id: str
    #: 0 when it does not exist
    version: int
    head_hash: bytes
    state: S | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Advance(Generic[S]):
    """What events make of an aggregate."""

    after: Loaded[S]
    events: tuple[NewEvent, ...]
    messages: tuple[OutboxMessage, ...]


def advance(
    kind: AggregateKind[S, E], before: Loaded[S], events: Sequence[E], context: CommandContext
) -> Advance[S]:
    """Folds, encodes and hashes `events` onto `before`. Raises ValueError when there are none."""
    if not events:
        raise ValueError(f"no events for {before.stream_id}")
    state, head = before.state, before.head_hash
    new: list[NewEvent] = []
    messages: list[OutboxMessage] = []
    for version, event in enumerate(events, start=before.version + 1):
        name = type(event).__name__
        metadata = EventMetadata(
            event_id=derive_id("event", before.stream_id, str(version)),
            aggregate_id=before.stream_id,
            version=version,
            type=name,
            occurred_at=context.occurred_at,
            recorded_at=context.recorded_at,
            actor=context.actor,
            request_id=context.request_id,
            traceparent=context.traceparent,
        )
        state = kind.evolve(state, Recorded(event=event, metadata=metadata))
        payload = kind.encode_event(metadata, event, state)
        previous, head = head, link(head, payload)
        new.append(
            NewEvent(
                version=version,
                event_id=metadata.event_id,
                type=name,
                recorded_at=context.recorded_at,
                previous_hash=previous,
                hash=head,
                payload=payload,
            )
        )
        if kind.topic is not None:
            messages.append(
                OutboxMessage(
                    topic=kind.topic,
                    key=before.stream_id,
                    value=payload,
                    event_id=metadata.event_id,
                    type=name,
                    recorded_at=context.recorded_at,
                    traceparent=context.traceparent,
                    version=version,
                )
            )
    if state is None:
        raise ValueError(f"{kind.name} folded to nothing")
    after = Loaded(stream_id=before.stream_id, version=before.version + len(new), head_hash=head, state=state)
    return Advance(after=after, events=tuple(new), messages=tuple(messages))


def change_of(
    kind: AggregateKind[S, E], before: Loaded[S], after: Loaded[S], events: tuple[NewEvent, ...]
) -> StreamChange:
    """What is written of one aggregate: its events, and what of its deadlines and claims is new or over.

    Raises ValueError when there is no state after the events.
    """
    state = after.state
    if state is None:
        raise ValueError(f"{before.stream_id} has no state after its events")
    deadlines_set, deadlines_cleared = moved_deadlines(
        () if before.state is None else kind.deadlines(before.state), kind.deadlines(state)
    )
    old_claims = () if before.state is None else kind.claims(before.state)
    new_claims = kind.claims(state)
    return StreamChange(
        stream_id=before.stream_id,
        kind=kind.name,
        expected_version=before.version,
        events=events,
        head_hash=after.head_hash,
        snapshot=kind.encode_state(state),
        fold_version=kind.fold_version,
        facets=orjson.dumps(kind.facets(state)).decode(),
        deadlines_set=deadlines_set,
        deadlines_cleared=deadlines_cleared,
        claims_taken=_without(new_claims, old_claims),
        claims_given_up=_without(old_claims, new_claims),
    )


def moved_deadlines(
    old: tuple[Deadline, ...], new: tuple[Deadline, ...]
) -> tuple[tuple[Deadline, ...], tuple[str, ...]]:
    """Those that are new or due at another time, and the keys of those that are over."""
    if old == new:
        return (), ()
    before = {deadline.key: deadline for deadline in old}
    after = {deadline.key: deadline for deadline in new}
    return (
        tuple([deadline for key, deadline in after.items() if before.get(key) != deadline]),
        tuple([key for key in before if key not in after]),
    )


def _without(claims: tuple[Claim, ...], others: tuple[Claim, ...]) -> tuple[Claim, ...]:
    """In one order, so that two units cannot wait for each other."""
    if claims == others:
        return ()
    return tuple(sorted(frozenset(claims) - frozenset(others), key=_claim_order))


def _claim_order(claim: Claim) -> tuple[str, str]:
    return claim.kind, claim.key


def absent(kind: AggregateKind[S, E], stream_id: str) -> Loaded[S]:
    """An aggregate that does not exist yet."""
    return Loaded(stream_id=stream_id, version=0, head_hash=genesis(kind.name, stream_id), state=None)
