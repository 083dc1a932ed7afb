"""What is stored of events, without their content: enough to compare a store with a topic."""

from collections.abc import AsyncGenerator
from hashlib import sha256

from services.shared.audit.verification import AuditedStore
from services.shared.eventstore.units import StoredEvent, StoredStream
from tierlink.audit.v1 import audit_service_pb2 as pb

_STREAMS_PAGE = 200
_EVENTS_PAGE = 1000
#: Digests of one message, more or less.
_MESSAGE_EVENTS = 500


async def stored_digests(
    store: AuditedStore, kinds: frozenset[str], *, aggregate_id: str = ""
) -> AsyncGenerator[list[pb.EventDigest], None]:
    """Pages of the events of aggregates of these kinds, or of one, by aggregate and version.

    Raises DependencyDown when the store is away.
    """
    page: list[pb.EventDigest] = []
    async for stream in _streams(store, kinds, aggregate_id):
        after = 0
        while True:
            events = await store.read_events(stream.stream_id, after_version=after, limit=_EVENTS_PAGE)
            page.extend(_digest(event) for event in events)
            if len(page) >= _MESSAGE_EVENTS:
                yield page
                page = []
            if len(events) < _EVENTS_PAGE:
                break
            after = events[-1].version
    if page:
        yield page


async def _streams(
    store: AuditedStore, kinds: frozenset[str], aggregate_id: str
) -> AsyncGenerator[StoredStream, None]:
    if aggregate_id:
        found = await store.load(aggregate_id)
        if found is not None and found.kind in kinds:
            yield found
        return
    for kind in sorted(kinds):
        after = ""
        while True:
            streams = await store.scan(kind=kind, after_stream_id=after, limit=_STREAMS_PAGE)
            for stream in streams:
                yield stream
            if len(streams) < _STREAMS_PAGE:
                break
            after = streams[-1].stream_id


def _digest(event: StoredEvent) -> pb.EventDigest:
    found = pb.EventDigest(
        aggregate_id=event.stream_id,
        version=event.version,
        event_id=event.event_id,
        type=event.type,
        payload_sha256=sha256(event.payload).digest(),
    )
    found.recorded_at.FromDatetime(event.recorded_at)
    return found
