"""A small run in which everything is right, for tests that spoil one thing of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.faults.evidence import (
    AuditVerdict,
    Evidence,
    Receipt,
    Repeated,
    RequestRow,
    StoredEvent,
    StoreEvidence,
    TopicRecord,
)
from tests.faults.history import OK, Call, History
from tierlink.bed.v1 import bed_events_pb2

AT = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
REFERRAL, WARD = "referrals/r-1", "wards/w-1"
TOPIC, BED_TOPIC = "tierlink.referral.events.v1", "tierlink.bed.events.v1"


def at(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def call(number: int, method: str, version: int, **changes: object) -> Call:
    """A call to the referral service that took half a second from its number on."""
    made = Call(
        service="referral",
        method=method,
        request_id=f"q-{number}",
        request=b"",
        begun_at=at(number),
        ended_at=at(number + 0.5),
        outcome=OK,
        reply=b"reply",
        name=REFERRAL,
        version=version,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def event(version: int, type_: str, request: str) -> StoredEvent:
    return StoredEvent(
        stream=REFERRAL,
        version=version,
        event_id=f"e-{version}",
        type=type_,
        recorded_at=at(version),
        payload=f"{type_}".encode(),
        request_id=request,
    )


def record(stored: StoredEvent, offset: int, topic: str = TOPIC) -> TopicRecord:
    return TopicRecord(
        topic=topic,
        partition=0,
        offset=offset,
        key=stored.stream,
        event_id=stored.event_id,
        version=stored.version,
        value=stored.payload,
    )


EVENTS = (event(1, "ReferralRequested", "q-1"), event(2, "ReferralAccepted", "q-2"))


def ward_event(version: int, free: int, held: int = 0, **payload: object) -> StoredEvent:
    """An event of a ward with one bed."""
    message = bed_events_pb2.BedEvent(**payload)  # type: ignore[arg-type]
    message.counts.beds, message.counts.free, message.counts.held = 1, free, held
    return StoredEvent(
        stream=WARD,
        version=version,
        event_id=f"w-{version}",
        type=str(message.WhichOneof("payload")),
        recorded_at=at(version),
        payload=message.SerializeToString(),
        request_id=f"h-{version}",
    )


def hold(name: str, referral: str, token: int) -> dict[str, object]:
    return {"hold": {"name": name, "referral": referral, "bed": "b-1", "ward": "w-1", "fencing_token": token}}


WARD_EVENTS = (
    ward_event(1, 1, ward_applied={"added_beds": [{"id": "b-1"}]}),
    ward_event(2, 0, 1, bed_held=hold("holds/1", REFERRAL, 1)),
)


def store(service: str, events: tuple[StoredEvent, ...] = (), **changes: object) -> StoreEvidence:
    """A database with these events, everything in it at rest."""
    made = StoreEvidence(
        service=service,
        events=events,
        versions={each.stream: each.version for each in events},
        requests=tuple(
            RequestRow(request_id=each.request_id, stream=each.stream, version=each.version)
            for each in events
        ),
        outbox_count=0,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def whole() -> tuple[History, Evidence]:
    """Two commands that were answered, a bed that is held, a message that came twice under one key."""
    history = History(seed=1, calls=[call(1, "CreateReferral", 1), call(2, "AcceptReferral", 2)])
    evidence = Evidence(
        stores={
            "referral": store("referral", EVENTS),
            "bed": store("bed", WARD_EVENTS, inbox={(TOPIC, REFERRAL): 2}),
            "notification": store("notification"),
        },
        # The second record once more, as a relay sends it whose answer was lost.
        records=(
            record(EVENTS[0], 0),
            record(EVENTS[1], 1),
            record(EVENTS[1], 2),
            *(record(each, each.version, BED_TOPIC) for each in WARD_EVENTS),
        ),
        receipts=(
            Receipt(key="d-1", alert="alerts/1#0.1", recipient="dr-li", at=AT),
            Receipt(key="d-1", alert="alerts/1#0.1", recipient="dr-li", at=AT),
        ),
        repeated=(Repeated(request_id="q-1", method="CreateReferral", first=b"reply", again=b"reply"),),
        audits=(AuditVerdict(service="referral", findings=()),),
    )
    return history, evidence
