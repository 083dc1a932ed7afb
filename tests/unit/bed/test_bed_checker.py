"""The checker of the concurrency proof finds what it is there to find: each doctored history has its
fault."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from tests.integration.bed_call_checker import Called, check_calls
from tests.integration.bed_checker import (
    Seen,
    by_stream,
    check_desks,
    check_snapshots,
    check_waits,
    check_wards,
)
from tierlink.bed.v1 import bed_events_pb2 as pb
from tierlink.bed.v1 import bed_pb2
from tierlink.type.v1 import type_pb2

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)


def stamp(moment: datetime) -> Timestamp:
    found = Timestamp()
    found.FromDatetime(moment)
    return found


def seen(version: int, stream: str = "wards/w", request: str = "", **payload: Any) -> Seen:
    counts = payload.pop("counts", None)
    metadata = type_pb2.EventMetadata(
        aggregate_id=stream, version=version, request_id=request, recorded_at=stamp(NOW)
    )
    return Seen(
        stream=stream, version=version, event=pb.BedEvent(metadata=metadata, counts=counts, **payload)
    )


def counts(**parts: int) -> bed_pb2.WardCounts:
    return bed_pb2.WardCounts(beds=sum(parts.values()), **parts)


def hold(number: int, bed: str = "1", token: int = 0) -> bed_pb2.Hold:
    return bed_pb2.Hold(
        name=f"holds/{number}", referral=f"r{number}", patient="p", bed=bed, fencing_token=token or number
    )


APPLIED = seen(
    1,
    ward_applied=pb.WardApplied(added_beds=[bed_pb2.Bed(id="1"), bed_pb2.Bed(id="2")]),
    counts=counts(free=2),
)
HELD = seen(2, request="q1", bed_held=pb.BedHeld(hold=hold(1)), counts=counts(free=1, held=1))


def ward_faults(*events: Seen) -> list[str]:
    return check_wards(by_stream(events))[0]


def test_a_history_without_fault_has_none() -> None:
    occupied = pb.BedOccupied(bed="1", hold=hold(1), patient="p")
    history = (
        APPLIED,
        HELD,
        seen(3, bed_occupied=occupied, counts=counts(free=1, occupied=1)),
        seen(4, bed_vacated=pb.BedVacated(bed="1"), counts=counts(free=1, cleaning=1)),
        seen(5, bed_marked_ready=pb.BedMarkedReady(bed="1"), counts=counts(free=2)),
        seen(6, bed_held=pb.BedHeld(hold=hold(2)), counts=counts(free=1, held=1)),
        seen(7, bed_hold_lapsed=pb.BedHoldLapsed(hold=hold(2)), counts=counts(free=2)),
    )
    assert ward_faults(*history) == []


@pytest.mark.parametrize(
    ("event", "fault"),
    [
        (seen(3, bed_held=pb.BedHeld(hold=hold(2)), counts=counts(free=1, held=1)), "1 is held, not free"),
        (seen(3, bed_held=pb.BedHeld(hold=hold(2, "2", 1)), counts=counts(held=2)), "token 1 after 1"),
        (seen(4, bed_held=pb.BedHeld(hold=hold(2, "2")), counts=counts(held=2)), "version 4 after 2"),
        (seen(3, bed_held=pb.BedHeld(hold=hold(2, "2")), counts=counts(free=1, held=1)), "says"),
        (
            seen(3, bed_hold_lapsed=pb.BedHoldLapsed(hold=hold(2)), counts=counts(free=2)),
            "not held by holds/2",
        ),
        (
            seen(3, bed_occupied=pb.BedOccupied(bed="1", patient="x"), counts=counts(free=1, occupied=1)),
            "1 is held",
        ),
        (
            seen(3, bed_transferred_in=pb.BedTransferredIn(bed="1"), counts=counts(free=1, occupied=1)),
            "1 is held",
        ),
        (seen(3, bed_blocked=pb.BedBlocked(bed="3"), counts=counts(free=1, held=1)), "no bed 3"),
    ],
)
def test_what_cannot_follow_is_found(event: Seen, fault: str) -> None:
    found = ward_faults(APPLIED, HELD, event)
    assert any(fault in each for each in found), found


def test_a_referral_with_two_beds_at_one_moment_is_found() -> None:
    other = [
        seen(
            1, "wards/v", ward_applied=pb.WardApplied(added_beds=[bed_pb2.Bed(id="1")]), counts=counts(free=1)
        ),
        seen(2, "wards/v", bed_held=pb.BedHeld(hold=hold(1)), counts=counts(held=1)),
    ]
    faults, places = check_wards(by_stream([APPLIED, HELD, *other]))
    assert faults == []
    assert check_snapshots([{"wards/w": 2, "wards/v": 1}, {"wards/w": 1, "wards/v": 2}], places) == []
    assert check_snapshots([{"wards/w": 2, "wards/v": 2}], places) == ["r1 has ['wards/w/1', 'wards/v/1']"]


def entry(referral: str, urgency: int = 2, minutes: int = 0) -> bed_pb2.WaitingEntry:
    return bed_pb2.WaitingEntry(
        referral=referral,
        urgency=urgency,  # type: ignore[arg-type]
        asked_at=stamp(NOW + timedelta(minutes=minutes)),
    )


@pytest.mark.parametrize("first", [entry("a", 1, 9), entry("a", 2, -1), entry("a", 2, 0)])
def test_who_is_served_out_of_turn_is_found(first: bed_pb2.WaitingEntry) -> None:
    joined = [
        seen(version, "desks/f", waiting_joined=pb.WaitingJoined(entry=each))
        for version, each in enumerate((entry("b"), first), start=1)
    ]
    for served, faults in ((first, 0), (entry("b"), 1)):
        last = seen(3, "desks/f", waiting_served=pb.WaitingServed(entry=served))
        assert len(check_desks(by_stream([*joined, last]))[0]) == faults


def test_a_free_bed_beside_one_who_waits_is_found() -> None:
    streams = by_stream(
        [APPLIED, HELD, seen(1, "desks/f", waiting_joined=pb.WaitingJoined(entry=entry("a")))]
    )
    _, on_lists = check_desks(streams)
    assert check_waits([{"wards/w": 2}, {"desks/f": 1}], streams, on_lists) == []
    assert check_waits([{"wards/w": 2, "desks/f": 1}], streams, on_lists)


def called(**changes: Any) -> Called:
    fields: dict[str, Any] = {
        "name": "HoldBed",
        "request_id": "q1",
        "begin": NOW - timedelta(seconds=1),
        "end": NOW + timedelta(seconds=1),
        "outcome": "OK",
        "referral": "r1",
    }
    return Called(**{**fields, **changes})


def test_an_acknowledged_command_is_there_once_and_a_refused_one_is_not() -> None:
    again = seen(3, request="q1", bed_held=pb.BedHeld(hold=hold(1)))
    cases: list[tuple[Called, list[Seen], bool]] = [
        (called(), [HELD], False),
        (called(), [], True),
        (called(), [HELD, again], True),
        (called(outcome="FAILED_PRECONDITION"), [HELD], True),
        (called(outcome="FAILED_PRECONDITION"), [], False),
        (called(begin=NOW + timedelta(milliseconds=500)), [HELD], True),
        (called(end=NOW - timedelta(milliseconds=500)), [HELD], True),
    ]
    for call, events, is_faulty in cases:
        assert bool(check_calls([call], events)) is is_faulty, (call, events)


@pytest.mark.parametrize("doctor", [lambda made: made[:1], lambda made: [*made, made[0]]])
def test_half_a_transfer_is_found(doctor: Callable[[list[Seen]], list[Seen]]) -> None:
    made = [
        seen(5, request="q1", bed_transferred_out=pb.BedTransferredOut(bed="1")),
        seen(5, "wards/v", request="q1", bed_transferred_in=pb.BedTransferredIn(bed="1")),
    ]
    assert check_calls([called(name="TransferBed")], made) == []
    assert check_calls([called(name="TransferBed")], doctor(made))
