"""The part of the AuditService that gives stored events as they are, for an inspector's folder."""

from collections.abc import Sequence
from typing import Any

from services.shared.eventstore.store import EventStore
from services.shared.eventstore.units import StoredEvent
from services.shared.kernel.actor import Role
from services.shared.kernel.refusals import NotFound, NotPermitted
from services.shared.kernel.text import BilingualText
from services.shared.rpc.call import Call
from services.shared.rpc.method import UnaryMethod, unary_methods
from services.shared.rpc.paging import list_digest, page_size, page_token, position_number
from tierlink.audit.v1 import audit_service_pb2 as pb

#: Payloads of one page, more or less: the first event is given whatever its size.
_PAGE_BYTES_MAX = 1 << 20


class StoredEventsServicer:
    """Serves ListEvents for operators and the system, of aggregates of the given kinds.

    Others have events that are read by calls which put on record who read them.
    """

    def __init__(self, store: EventStore, kinds: frozenset[str]) -> None:
        self._store = store
        self._kinds = kinds

    def methods(self) -> tuple[UnaryMethod[Any, Any], ...]:
        return unary_methods(pb, {"ListEvents": self.list_events})

    async def list_events(self, request: pb.ListEventsRequest, call: Call) -> pb.ListEventsResponse:
        """Raises NotPermitted for who may not read them, NotFound, and InvalidInput for another's token."""
        if not call.actor.has_role(Role.OPERATOR, Role.SYSTEM):
            text = BilingualText(zh="仅运维人员可导出事件", en="only operators export events")
            raise NotPermitted("ROLE_NOT_PERMITTED", text)
        size, bound_to = page_size(request.page_size), list_digest(request)
        after = position_number(request.page_token, bound_to=bound_to) or 0
        stream = await self._store.load(request.aggregate_id)
        if stream is None:
            raise NotFound("aggregate", request.aggregate_id)
        if stream.kind not in self._kinds:
            text = BilingualText(
                zh="此类事件须经留有查阅记录的接口读取",
                en="events of this kind are read by calls that put on record who read them",
            )
            raise NotPermitted("READ_ON_RECORD", text)
        found = await self._store.read_events(request.aggregate_id, after_version=after, limit=size + 1)
        page = _bounded(found[:size])
        more = page[-1].version if len(page) < len(found) else None
        return pb.ListEventsResponse(
            aggregate_kind=stream.kind,
            events=[_message(event) for event in page],
            next_page_token=page_token(more, bound_to=bound_to),
        )


def _bounded(events: Sequence[StoredEvent]) -> list[StoredEvent]:
    page: list[StoredEvent] = []
    size = 0
    for event in events:
        size += len(event.payload)
        if page and size > _PAGE_BYTES_MAX:
            break
        page.append(event)
    return page


def _message(event: StoredEvent) -> pb.StoredEvent:
    return pb.StoredEvent(
        version=event.version, previous_hash=event.previous_hash, hash=event.hash, payload=event.payload
    )
