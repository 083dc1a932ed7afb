"""Which unit of work set a deadline, read from the event that did."""

from dataclasses import replace
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import tierlink
from services.shared.deadlines.worker import DueDeadline
from services.shared.eventstore.units import StoredEvent
from services.shared.kernel.refusals import DependencyDown
from services.shared.lifecycle.deadline_origin import origin_in
from tests.doubles.memory_store import MemoryEventStore
from tests.doubles.parcel import NOW
from tierlink.type.v1 import type_pb2

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
DUE = DueDeadline(stream_id="alerts/1", kind="alert", key="escalate", due_at=NOW, set_version=2)


def stored(version: int, *, at: datetime = NOW, traceparent: str = "") -> StoredEvent:
    head = type_pb2.EventHead(metadata=type_pb2.EventMetadata(traceparent=traceparent))
    head.metadata.recorded_at.FromDatetime(at)
    return StoredEvent(
        stream_id="alerts/1",
        version=version,
        event_id="e",
        type="AlertTriggered",
        recorded_at=at,
        previous_hash=b"",
        hash=b"",
        payload=head.SerializeToString(),
    )


def holding(*events: StoredEvent) -> MemoryEventStore:
    store = MemoryEventStore()
    store.events["alerts/1"] = list(events)
    return store


async def test_it_is_the_unit_that_wrote_the_version_that_set_it() -> None:
    store = holding(stored(1), stored(2, traceparent=TRACEPARENT), stored(3))
    assert await origin_in(store)(DUE) == TRACEPARENT
    assert await origin_in(store)(replace(DUE, set_version=3)) == ""
    assert await origin_in(store)(replace(DUE, set_version=4)) == ""


async def test_what_was_set_long_before_is_another_story() -> None:
    store = holding(stored(1), stored(2, at=NOW - timedelta(days=1), traceparent=TRACEPARENT))
    assert await origin_in(store)(DUE) == ""


async def test_a_store_that_is_away_costs_the_link_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    store = holding()

    async def away(*_: Any, **__: Any) -> Any:
        raise DependencyDown("postgresql", "away")

    monkeypatch.setattr(store, "read_events", away)
    assert await origin_in(store)(DUE) == ""


def test_every_event_begins_with_what_is_read_of_it() -> None:
    (root,) = (Path(each) for each in tierlink.__path__)
    found = [
        message
        for path in root.glob("*/v1/*_events_pb2.py")
        for message in import_module(
            ".".join(("tierlink", *path.relative_to(root).with_suffix("").parts))
        ).DESCRIPTOR.message_types_by_name.values()
        if "payload" in message.oneofs_by_name
    ]
    assert len(found) > 10
    ours = type_pb2.EventHead.DESCRIPTOR.fields_by_name["metadata"]
    for message in found:
        theirs = message.fields_by_name["metadata"]
        assert (theirs.number, theirs.message_type) == (ours.number, ours.message_type), message.full_name
