"""Folds events onto an aggregate as a command did: the same functions, the stored bytes, no command."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeVar

from services.shared.eventstore.aggregate import AggregateKind, Loaded, moved_deadlines
from services.shared.eventstore.units import NewEvent
from services.shared.kernel.command import Deadline, Recorded
from services.shared.kernel.hash_chain import link
from services.shared.refolding.subject import SourceEvent

S = TypeVar("S")


class Unfoldable(Exception):
    """An event that cannot be read or folded."""


class MissingEvent(Exception):
    """An event whose predecessor has not come."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Folded:
    """An aggregate with some more of its events."""

    kind: AggregateKind[Any, Any]
    after: Loaded[Any]
    events: tuple[NewEvent, ...]


def fold(kind: AggregateKind[Any, Any], before: Loaded[Any], events: Sequence[SourceEvent]) -> Folded:
    """`events` of one aggregate in order; those that `before` has already are passed over.

    Raises MissingEvent, Unfoldable: whoever catches them has `before` still.
    """
    state, head, version = before.state, before.head_hash, before.version
    new: list[NewEvent] = []
    for event in events:
        if event.version <= version:
            continue
        state = evolved(kind, version, state, event)
        previous, head, version = head, link(head, event.payload), event.version
        new.append(
            NewEvent(
                version=version,
                event_id=event.event_id,
                type=event.type,
                recorded_at=event.recorded_at,
                previous_hash=previous,
                hash=head,
                payload=event.payload,
            )
        )
    after = Loaded(stream_id=before.stream_id, version=version, head_hash=head, state=state)
    return Folded(kind=kind, after=after, events=tuple(new))


def evolved(kind: AggregateKind[Any, Any], version: int, state: Any, event: SourceEvent) -> Any:
    """The state after `event`, which must follow `version`. Raises MissingEvent, Unfoldable."""
    if event.version != version + 1:
        raise MissingEvent(f"{event.stream_id}: {version + 1} is missing before {event.version}")
    recorded = _read(kind, event)
    try:
        return kind.evolve(state, recorded)
    except Exception as error:  # whatever a fold raises of an event that nobody decided
        raise Unfoldable(f"{event.stream_id}@{event.version}: {error!r}") from error


def _read(kind: AggregateKind[Any, Any], event: SourceEvent) -> Recorded[Any]:
    try:
        recorded = kind.decode_event(event.payload)
    except Exception as error:  # protobuf's own and those of the codec
        raise Unfoldable(f"{event.stream_id}@{event.version}: {error!r}") from error
    metadata = recorded.metadata
    if (metadata.aggregate_id, metadata.version) != (event.stream_id, event.version):
        # A record under another's key would be folded into a state that nobody ever had.
        said = f"{metadata.aggregate_id}@{metadata.version}"
        raise Unfoldable(f"{event.stream_id}@{event.version}: says that it is {said}")
    return recorded


@dataclass(frozen=True, kw_only=True, slots=True)
class SetDeadline:
    """A deadline, and the version of the aggregate that set it."""

    deadline: Deadline
    set_version: int


def deadlines_of(kind: AggregateKind[S, Any], events: Sequence[SourceEvent]) -> tuple[SetDeadline, ...]:
    """What an aggregate waits for after all its `events`, each set by the unit that first had it so.

    A command's events are one unit: they have its request id.
    """
    state: Any = None
    known: dict[str, SetDeadline] = {}
    before: tuple[Deadline, ...] = ()
    recorded = [_read(kind, event) for event in events]
    by_request: Callable[[Recorded[Any]], str] = lambda each: each.metadata.request_id  # noqa: E731
    for _, unit in groupby(recorded, by_request):
        version = 0
        for each in unit:
            state = kind.evolve(state, each)
            version = each.metadata.version
        after = kind.deadlines(state)
        changed, cleared = moved_deadlines(before, after)
        for key in cleared:
            del known[key]
        known |= {each.key: SetDeadline(deadline=each, set_version=version) for each in changed}
        before = after
    return tuple(known.values())
