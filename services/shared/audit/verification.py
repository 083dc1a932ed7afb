"""Walks a whole store, a bounded page at a time, and verifies every aggregate in it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from services.shared.audit.back_dating import SignedMoment
from services.shared.audit.chain import Finding, FindingCode, verify_chain
from services.shared.eventstore.aggregate import AggregateKind
from services.shared.eventstore.store import EventStore
from services.shared.eventstore.units import StoredEvent, StoredStream

_PAGE = 200
_EVENTS_PAGE = 1000


class AuditedStore(EventStore, Protocol):
    async def orphans(self, limit: int = 1000) -> tuple[str, ...]:
        """Aggregates that have events but no row."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifiedAggregate:
    aggregate_id: str
    events_count: int
    findings: tuple[Finding, ...]


#: What checkpoints know of when the events of given aggregates were written.
SignedMoments = Callable[[Sequence[str]], Awaitable[Mapping[str, Sequence[SignedMoment]]]]


async def nothing_signed(stream_ids: Sequence[str]) -> Mapping[str, Sequence[SignedMoment]]:
    """Of a store whose checkpoints nobody asks."""
    return {}


async def verify_aggregate(
    store: EventStore,
    kinds: Mapping[str, AggregateKind[Any, Any]],
    stream: StoredStream,
    signed: Iterable[SignedMoment] = (),
) -> VerifiedAggregate:
    """Verifies one aggregate from its stored events. Raises DependencyDown when the store is away."""
    events: list[StoredEvent] = []
    while True:
        page = await store.read_events(
            stream.stream_id, after_version=events[-1].version if events else 0, limit=_EVENTS_PAGE
        )
        events.extend(page)
        if len(page) < _EVENTS_PAGE:
            break
    moved = await store.load(stream.stream_id)
    if moved is not None and moved.version > stream.version:
        # It went on while it was read: judge it by its present row, and by the events up to that.
        events.extend(await store.read_events(stream.stream_id, after_version=len(events)))
        events = [event for event in events if event.version <= moved.version]
        stream = moved
    kind = kinds.get(stream.kind)
    if kind is None:
        findings = (no_such_kind(stream),)
        return VerifiedAggregate(aggregate_id=stream.stream_id, events_count=len(events), findings=findings)
    return VerifiedAggregate(
        aggregate_id=stream.stream_id,
        events_count=len(events),
        findings=verify_chain(kind, stream, events, signed),
    )


async def verify_store(
    store: AuditedStore,
    kinds: Mapping[str, AggregateKind[Any, Any]],
    *,
    kind: str = "",
    known: Callable[[StoredStream], Awaitable[bool]] | None = None,
    signed: SignedMoments = nothing_signed,
) -> AsyncIterator[VerifiedAggregate]:
    """Verifies every aggregate, or every one of a kind; with `known` those alone that it says yes to.

    What has no row is nobody's: it is told to those who see everything. Raises DependencyDown when the store
    is away.
    """
    after = ""
    while True:
        page = await store.scan(kind=kind, after_stream_id=after, limit=_PAGE)
        moments = await signed([stream.stream_id for stream in page])
        for stream in page:
            if known is not None and not await known(stream):
                continue
            yield await verify_aggregate(store, kinds, stream, moments.get(stream.stream_id, ()))
        if len(page) < _PAGE:
            break
        after = page[-1].stream_id
    if kind or known is not None:
        return
    for name in await store.orphans():
        yield VerifiedAggregate(aggregate_id=name, events_count=0, findings=(orphan(name),))


def no_such_kind(stream: StoredStream) -> Finding:
    """Of an aggregate whose row names a kind that the service does not have."""
    return Finding(
        aggregate_kind=stream.kind,
        aggregate_id=stream.stream_id,
        version=0,
        code=FindingCode.UNREADABLE_EVENT,
        description="no such kind of aggregate",
    )


def orphan(stream_id: str) -> Finding:
    """Of events whose aggregate has no row."""
    return Finding(
        aggregate_kind="",
        aggregate_id=stream_id,
        version=0,
        code=FindingCode.UNKNOWN_EVENT,
        description="there are events of an aggregate that is not there",
    )
