"""Operators are given stored events as they are, in bounded pages; nobody else is."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.shared.audit import event_methods
from services.shared.audit.event_methods import StoredEventsServicer
from services.shared.eventstore.aggregate import Loaded, absent, advance, change_of
from services.shared.eventstore.units import AppendUnit
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.hash_chain import genesis, link
from services.shared.kernel.refusals import InvalidInput, NotFound, NotPermitted
from services.shared.rpc.call import Call
from tests.doubles.memory_store import MemoryEventStore
from tests.doubles.parcel import PARCEL, Moved, context
from tierlink.audit.v1 import audit_service_pb2 as pb


def call_of(role: Role) -> Call:
    return Call(
        actor=Actor(user="u1", name="U", facility="", roles=(role,)),
        received_at=datetime(2026, 3, 1, tzinfo=UTC),
        traceparent="",
        method="tierlink.audit.v1.AuditService/ListEvents",
        deadline_remaining_s=None,
    )


async def written(count: int, *, size: int = 1) -> MemoryEventStore:
    store = MemoryEventStore()
    at: Loaded[Any] = absent(PARCEL, "p/1")
    for number in range(count):
        step = advance(PARCEL, at, [Moved(to=f"{number}" * size)], context(f"r{number}"))
        await store.append(AppendUnit(changes=(change_of(PARCEL, at, step.after, step.events),)))
        at = step.after
    return store


async def pages(served: StoredEventsServicer, size: int) -> list[list[pb.StoredEvent]]:
    found = []
    token = ""
    while True:
        request = pb.ListEventsRequest(aggregate_id="p/1", page_size=size, page_token=token)
        page = await served.list_events(request, call_of(Role.OPERATOR))
        assert page.aggregate_kind == "parcel"
        found.append(list(page.events))
        token = page.next_page_token
        if not token:
            return found


@pytest.mark.parametrize(("size", "expected"), [(0, [7]), (3, [3, 3, 1]), (7, [7]), (1000, [7])])
async def test_events_come_as_they_are_stored_in_pages(size: int, expected: list[int]) -> None:
    served = StoredEventsServicer(await written(7), frozenset({"parcel"}))

    found = await pages(served, size)

    assert [len(page) for page in found] == expected
    previous = genesis("parcel", "p/1")
    for version, event in enumerate((event for page in found for event in page), start=1):
        assert (event.version, event.previous_hash) == (version, previous)
        previous = event.hash
        assert link(event.previous_hash, event.payload) == previous


async def test_a_page_ends_where_its_bytes_do_and_has_an_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    served = StoredEventsServicer(await written(5, size=200), frozenset({"parcel"}))
    monkeypatch.setattr(event_methods, "_PAGE_BYTES_MAX", 1000)
    assert [len(page) for page in await pages(served, 100)] == [2, 2, 1]
    monkeypatch.setattr(event_methods, "_PAGE_BYTES_MAX", 10)
    assert [len(page) for page in await pages(served, 100)] == [1] * 5


@pytest.mark.parametrize("role", [each for each in Role if each not in (Role.OPERATOR, Role.SYSTEM)])
async def test_nobody_but_operators_is_told_even_what_there_is(role: Role) -> None:
    served = StoredEventsServicer(await written(1), frozenset({"parcel"}))
    for name in ("p/1", "p/9"):
        with pytest.raises(NotPermitted) as refused:
            await served.list_events(pb.ListEventsRequest(aggregate_id=name), call_of(role))
        assert refused.value.reason == "ROLE_NOT_PERMITTED"


async def test_what_is_read_on_record_is_not_read_here() -> None:
    served = StoredEventsServicer(await written(1), frozenset({"ward"}))
    with pytest.raises(NotPermitted) as refused:
        await served.list_events(pb.ListEventsRequest(aggregate_id="p/1"), call_of(Role.OPERATOR))
    assert refused.value.reason == "READ_ON_RECORD"


async def test_what_is_not_there_and_tokens_of_another_list_are_refused() -> None:
    served = StoredEventsServicer(await written(3), frozenset({"parcel"}))
    with pytest.raises(NotFound):
        await served.list_events(pb.ListEventsRequest(aggregate_id="p/9"), call_of(Role.OPERATOR))
    first = await served.list_events(
        pb.ListEventsRequest(aggregate_id="p/1", page_size=1), call_of(Role.OPERATOR)
    )
    other = pb.ListEventsRequest(aggregate_id="p/9", page_token=first.next_page_token)
    with pytest.raises(InvalidInput):
        await served.list_events(other, call_of(Role.OPERATOR))
