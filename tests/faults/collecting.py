"""Lets a stand come to rest after a run, and reads what is left: databases, topics, receipts, audits."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
import grpc

from services.operator.rpc.calling import Caller, Patience
from services.operator.rpc.checkpoints import Checkpoints
from services.operator.rpc.methods import rpc_methods
from services.operator.rpc.people import OPERATOR, TokenBook
from services.operator.verification.against_checkpoints import verify_against
from services.operator.verification.checkpoint_file import SignedHeads
from services.operator.verification.findings import Verification
from services.operator.verification.service_audits import verify_services
from services.shared.kernel.actor import Actor
from services.shared.rpc.channels import open_channels
from tests.faults.envelope import metadata_of
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
from tests.faults.history import History
from tests.faults.record_faults import INJECTED
from tests.faults.schedule import SERVICES
from tests.faults.stand import Stand
from tests.faults.topics import every_record, left_to_read
from tests.faults.workload import BED_DESK, DOCTOR, ORIGIN, SECOND_DOCTOR

_PATIENCE = Patience(attempt_s=20.0, total_s=60.0)
_REPEATED_MAX = 60
_POLL_S = 0.3
#: A deadline may be met so much later than it is due, once nothing disturbs any more.
_LATE_S = 3.0
_PEOPLE: dict[str, Actor] = {each.user: each for each in (ORIGIN, DOCTOR, SECOND_DOCTOR, BED_DESK)}


async def at_rest(stand: Stand, *, bound_s: float) -> tuple[str, ...]:
    """Waits until nothing is on its way; what is, when the time is over."""
    until_s = time.monotonic() + bound_s
    calm = 0
    while True:
        busy = await _busy(stand)
        # What one service has handled another may be told of a moment later.
        calm = calm + 1 if not busy else 0
        if calm >= 3 or time.monotonic() > until_s:
            return tuple(busy)
        await asyncio.sleep(_POLL_S)


async def _busy(stand: Stand) -> list[str]:
    busy: list[str] = []
    for service in SERVICES:
        async with _connected(stand.dsn(service)) as connection:
            waiting = await connection.fetchval("SELECT count(*) FROM outbox")
            overdue = await connection.fetchval(_OVERDUE_COUNT, _LATE_S)
            if waiting:
                busy.append(f"{service}: {waiting} messages wait in the outbox")
            if overdue:
                busy.append(f"{service}: {overdue} deadlines are overdue")
            if service == "notification":
                unsent = await connection.fetchval(_UNSENT)
                if unsent:
                    busy.append(f"notification: {unsent} messages are not sent")
    left = await left_to_read(stand.bootstrap, _GROUPS)
    return [*busy, *(f"{group}: {count} records to read" for group, count in left.items() if count)]


_GROUPS = tuple(f"tierlink-{service}" for service in SERVICES)
_OVERDUE_COUNT = "SELECT count(*) FROM deadlines WHERE due_at < now() - make_interval(secs => $1)"
_PARKED = """
SELECT source, aggregate_id FROM parked_events
UNION
SELECT source, aggregate_id FROM dead_letters WHERE resolved_at IS NULL AND aggregate_id IS NOT NULL
"""
_UNSENT = """
SELECT (SELECT count(*) FROM deliveries WHERE state = 'PENDING' AND due_at < now())
     + (SELECT count(*) FROM delivery_calls)
"""


async def collect(stand: Stand, history: History, kept: list[SignedHeads]) -> Evidence:
    """Everything that is left. `kept` are checkpoints that were signed during the run."""
    unsettled = await at_rest(stand, bound_s=90.0)
    return Evidence(
        stores={service: await _store(stand, service) for service in SERVICES},
        records=await _records(stand),
        receipts=await _receipts(stand),
        repeated=await _repeated(stand, history),
        audits=await _audits(stand, kept),
        unsettled=unsettled,
    )


async def signed_heads(stand: Stand) -> list[SignedHeads]:
    """A checkpoint of each service, as an operator would keep it elsewhere."""
    token = TokenBook(stand.key).token(OPERATOR)
    async with open_channels(stand.addresses()) as channels:
        caller = Caller(channels, patience=_PATIENCE)
        made: list[SignedHeads] = []
        for service in SERVICES:
            desk = Checkpoints(caller, service, token)
            checkpoint = await desk.make()
            heads = await desk.heads(checkpoint.statement.number)
            made.append(SignedHeads(checkpoint=checkpoint, heads=heads))
        return made


async def _store(stand: Stand, service: str) -> StoreEvidence:
    async with (
        _connected(stand.dsn(service)) as connection,
        connection.transaction(isolation="repeatable_read"),
    ):
        events = await connection.fetch("SELECT * FROM events ORDER BY stream_id, version")
        streams = await connection.fetch("SELECT stream_id, version FROM streams")
        requests = await connection.fetch("SELECT request_id, stream_id, version FROM requests")
        overdue = await connection.fetch(
            "SELECT stream_id, key FROM deadlines WHERE due_at < now() - make_interval(secs => $1)", _LATE_S
        )
        waiting = await connection.fetchval("SELECT count(*) FROM outbox")
        inbox = await connection.fetch("SELECT source, aggregate_id, version FROM inbox")
        parked = await connection.fetch(_PARKED)
    return StoreEvidence(
        service=service,
        events=tuple(_stored(row) for row in events),
        versions={row["stream_id"]: row["version"] for row in streams},
        requests=tuple(
            RequestRow(request_id=str(row["request_id"]), stream=row["stream_id"], version=row["version"])
            for row in requests
        ),
        outbox_count=waiting,
        inbox={(row["source"], row["aggregate_id"]): row["version"] for row in inbox},
        parked=tuple(f"{row['source']} {row['aggregate_id']}" for row in parked),
        overdue=tuple(f"{row['stream_id']} {row['key']}" for row in overdue),
    )


def _stored(row: Any) -> StoredEvent:
    return StoredEvent(
        stream=row["stream_id"],
        version=row["version"],
        event_id=str(row["event_id"]),
        type=row["type"],
        recorded_at=row["recorded_at"],
        payload=row["payload"],
        request_id=metadata_of(row["payload"]).request_id,
    )


async def _records(stand: Stand) -> tuple[TopicRecord, ...]:
    """The events' topics without what the run itself put there."""
    records = await every_record(stand.bootstrap)
    return tuple(_record(each) for each in records if INJECTED not in dict(each.headers))


def _record(record: Any) -> TopicRecord:
    headers = dict(record.headers)
    return TopicRecord(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=(record.key or b"").decode(),
        event_id=headers.get("ce_id", b"").decode(),
        version=int(headers.get("ce_sequence", b"0")),
        value=record.value,
    )


async def _receipts(stand: Stand) -> tuple[Receipt, ...]:
    """What the channel's far end took, each with the alert and recipient that its key stands for."""
    async with _connected(stand.dsn("notification")) as connection:
        rows = await connection.fetch("SELECT id, alert, step, round, recipient FROM deliveries")
    of_key = {str(row["id"]): row for row in rows}
    receipts: list[Receipt] = []
    for posted in stand.gateway.posted:
        key = posted.headers.get("webhook-id", "")
        row = of_key.get(key)
        call = "" if row is None else f"{row['alert']}#{row['step']}.{row['round']}"
        receipts.append(
            Receipt(
                key=key, alert=call, recipient="" if row is None else row["recipient"], at=datetime.now(UTC)
            )
        )
    return tuple(receipts)


async def _repeated(stand: Stand, history: History) -> tuple[Repeated, ...]:
    """Some acknowledged requests, sent once more with the same bytes."""
    tokens = TokenBook(stand.key)
    acknowledged = list(history.acknowledged())
    chosen = acknowledged[:: max(1, len(acknowledged) // _REPEATED_MAX)]
    found: list[Repeated] = []
    async with open_channels(stand.addresses(2)) as channels:
        for call in chosen:
            invoke: Any = channels.of(call.service).unary_unary(rpc_methods()[call.method].path)
            metadata = (("authorization", f"Bearer {tokens.token(_PEOPLE[call.who])}"),)
            again, status = b"", "OK"
            try:
                again = await invoke(call.request, metadata=metadata, timeout=20)
            except grpc.aio.AioRpcError as error:
                status = error.code().name
            found.append(
                Repeated(
                    request_id=call.request_id,
                    method=call.method,
                    first=call.reply,
                    again=again,
                    status=status,
                )
            )
    return tuple(found)


async def _audits(stand: Stand, kept: list[SignedHeads]) -> tuple[AuditVerdict, ...]:
    token = TokenBook(stand.key).token(OPERATOR)
    async with open_channels(stand.addresses()) as channels:
        caller = Caller(channels, patience=_PATIENCE)
        found: list[Verification] = list(await verify_services(caller, token))
        desks = {service: Checkpoints(caller, service, token) for service in SERVICES}
        found.extend(await verify_against(desks, kept))
    return tuple(
        AuditVerdict(
            service=each.verified_by,
            findings=tuple(
                f"{finding.aggregate} v{finding.version}: {finding.code}" for finding in each.findings
            ),
        )
        for each in found
    )


@asynccontextmanager
async def _connected(dsn: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(dsn, timeout=30)
    try:
        yield connection
    finally:
        await connection.close()
