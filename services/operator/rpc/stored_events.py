"""Reads the stored events of aggregates, whatever service has them, as entries of a trail."""

from collections.abc import AsyncIterator, Iterable

from google.protobuf.message import DecodeError

from services.operator.rpc.calling import Caller
from services.operator.rpc.own_store import OwnStore
from services.operator.verification.timeline_chains import EVENT_TYPES
from tierlink.audit.v1 import audit_service_pb2 as pb
from tierlink.referral.v1 import timeline_pb2

_SERVICE = pb.DESCRIPTOR.services_by_name["AuditService"]
_PAGE = 1000


async def read_stored_events(
    caller: Caller, service: str, token: str, aggregates: Iterable[str]
) -> AsyncIterator[tuple[timeline_pb2.TimelineEntry, ...]]:
    """Every event of these aggregates of one service, each once, a page at a time. Raises CallFailed."""
    store = OwnStore(caller, _SERVICE, service, token)
    for aggregate in dict.fromkeys(aggregates):
        page_token = ""
        while True:
            request = pb.ListEventsRequest(aggregate_id=aggregate, page_size=_PAGE, page_token=page_token)
            page = await store.call("ListEvents", request)
            yield tuple(_entry(aggregate, page.aggregate_kind, event) for event in page.events)
            page_token = page.next_page_token
            if not page_token:
                break


def _entry(aggregate: str, kind: str, event: pb.StoredEvent) -> timeline_pb2.TimelineEntry:
    """What cannot be read stays in the trail, by its place alone: the program beside it says so."""
    entry = timeline_pb2.TimelineEntry(
        aggregate_kind=kind, payload=event.payload, previous_hash=event.previous_hash, hash=event.hash
    )
    event_type = EVENT_TYPES.get(kind)
    if event_type is not None:
        try:
            entry.metadata.CopyFrom(event_type.FromString(event.payload).metadata)
        except DecodeError:
            entry.metadata.Clear()
    entry.metadata.aggregate_id, entry.metadata.version = aggregate, event.version
    entry.text.zh = entry.text.en = entry.metadata.type
    return entry
