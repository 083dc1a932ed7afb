"""No bed is given twice: many clients, several processes over one database, one of them killed at random.

`TIERLINK_TEST_BED_PROOF_S` is how long they go on, `TIERLINK_TEST_BED_PROOF_SEED` what they draw from: a
seed that failed is printed and draws the same again (what meets what is for the machine to say).
"""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import grpc
import pytest
import pytest_asyncio

from services.embedded.databases import drop_database
from services.operator.platform.service_process import ServiceProcess
from services.shared.kernel.actor import Role
from services.shared.rpc.signing import generate_signing_key, write_key_files
from tests.integration.bed_call_checker import check_calls
from tests.integration.bed_checker import (
    by_stream,
    check_desks,
    check_snapshots,
    check_waits,
    check_wards,
    read,
)
from tests.integration.bed_clients import TYPE, BedClient, Ledger
from tests.integration.hospital import COUNTY, Hospital, new_id
from tests.stack import SharedStack
from tierlink.audit.v1 import audit_service_pb2, audit_service_pb2_grpc
from tierlink.bed.v1 import bed_pb2, bed_service_pb2_grpc
from tierlink.bed.v1 import bed_service_pb2 as pb

PROCESSES, CLIENTS, WARDS, BEDS = 3, 24, 3, 4
LASTS_S = float(os.environ.get("TIERLINK_TEST_BED_PROOF_S", "10"))
SEED = int(os.environ.get("TIERLINK_TEST_BED_PROOF_SEED", "0")) or random.SystemRandom().getrandbits(32)

pytestmark = [pytest.mark.timeout(120 + 3 * LASTS_S), pytest.mark.asyncio(loop_scope="module")]


@dataclass(frozen=True, kw_only=True)
class County:
    processes: tuple[ServiceProcess, ...]
    hospitals: tuple[Hospital, ...]
    dsn: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def county(stack: SharedStack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[County]:
    dsn = await stack.create_database(f"proof_{new_id()[:8]}")
    folder = tmp_path_factory.mktemp("proof")
    key = generate_signing_key()
    files = write_key_files(key, folder / "keys")
    environment = {
        "TIERLINK_BED_DSN": dsn,
        "TIERLINK_KAFKA_BOOTSTRAP": "127.0.0.1:1",
        "TIERLINK_JWKS": str(files.jwks),
        "TIERLINK_PARTS": "grpc,deadlines",
        "TIERLINK_LOG_LEVEL": "WARNING",
    }
    processes = [
        ServiceProcess("bed", folder=folder / str(number), environment=environment)
        for number in range(PROCESSES)
    ]
    async with AsyncExitStack() as running:
        hospitals = []
        for process in processes:
            running.callback(process.stop)
            await asyncio.to_thread(process.start)
            channel = grpc.aio.insecure_channel(
                process.ready.grpc, options=[("grpc.max_reconnect_backoff_ms", 200)]
            )
            await running.enter_async_context(channel)
            hospitals.append(Hospital(key=key, channel=channel))
        yield County(processes=tuple(processes), hospitals=tuple(hospitals), dsn=dsn)
    await drop_database(stack.postgres_dsn, dsn.rsplit("/", 1)[1])


async def _open_wards(county: County) -> list[str]:
    names = [f"ward-{number}" for number in range(WARDS)]
    request = pb.ApplyWardsRequest(
        request_id=new_id(),
        facility=COUNTY,
        wards=[{"id": name, "bed_type": TYPE, "bed_count": BEDS} for name in names],
    )
    stub: Any = bed_service_pb2_grpc.BedServiceStub(county.hospitals[0].channel)
    await stub.ApplyWards(request, metadata=county.hospitals[0].as_("", Role.OPERATOR))
    return names


async def _snapshots(dsn: str, stopping: asyncio.Event) -> list[dict[str, int]]:
    """Which versions there were at one moment: one statement sees one moment."""
    taken = []
    connection = await asyncpg.connect(dsn)
    try:
        while not stopping.is_set():
            rows = await connection.fetch("SELECT stream_id, version FROM streams")
            taken.append({row["stream_id"]: row["version"] for row in rows})
            await asyncio.sleep(0.02)
    finally:
        await connection.close()
    return taken


async def _overdue(county: County) -> list[str]:
    """Beds whose hold, or block that ends by itself, is past its end and stays so."""
    stub: Any = bed_service_pb2_grpc.BedServiceStub(county.hospitals[0].channel)
    request = pb.ListBedsRequest(facility=COUNTY)
    patience_s = time.monotonic() + 20
    while True:
        page = await stub.ListBeds(request, metadata=county.hospitals[0].as_(COUNTY, Role.BED_DESK))
        before = datetime.now(UTC) - timedelta(seconds=1)
        late = [
            bed.id
            for ward in page.wards
            for bed in ward.beds
            if (bed.state == bed_pb2.BED_STATE_HELD and bed.hold.expires_at.ToDatetime(UTC) < before)
            or (bed.unblock_at_end and bed.blocked_until.ToDatetime(UTC) < before)
        ]
        if not late or time.monotonic() > patience_s:
            return late
        await asyncio.sleep(0.2)


async def _kill_at_random(county: County, draw: random.Random, until_s: float) -> int:
    """kill -9 of a random process at random moments; it is started again each time."""
    kills = 0
    while True:
        await asyncio.sleep(draw.uniform(0.15, 0.4) * LASTS_S)
        if time.monotonic() >= until_s:
            return kills
        process = draw.choice(county.processes)
        process.kill()
        kills += 1
        await asyncio.to_thread(process.start)


async def test_no_bed_is_given_twice(county: County, capsys: pytest.CaptureFixture[str]) -> None:
    wards = await _open_wards(county)
    ledger, stopping = Ledger(), asyncio.Event()
    until_s = time.monotonic() + LASTS_S
    sampling = asyncio.create_task(_snapshots(county.dsn, stopping))
    killing = asyncio.create_task(_kill_at_random(county, random.Random(f"{SEED}/kill"), until_s))
    clients = [BedClient(f"{SEED}/{number}", county.hospitals, wards, ledger) for number in range(CLIENTS)]
    await asyncio.gather(*(client.run(until_s) for client in clients))
    kills = await killing
    stopping.set()
    snapshots = await sampling

    connection = await asyncpg.connect(county.dsn)
    try:
        rows = await connection.fetch("SELECT * FROM events ORDER BY stream_id, version")
        claims = await connection.fetch("SELECT kind, key FROM claims")
    finally:
        await connection.close()
    events = read(rows)
    streams = by_stream(events)
    ward_faults, in_wards = check_wards(streams)
    desk_faults, on_lists = check_desks(streams)
    faults = [
        *ward_faults,
        *desk_faults,
        *check_snapshots(snapshots, in_wards | on_lists),
        *check_waits(snapshots, streams, on_lists),
        *check_calls(ledger.calls, events),
    ]
    outcomes = Counter(call.outcome for call in ledger.calls)
    kinds = Counter(seen.kind for seen in events)
    tried = sum(call.tries > 1 for call in ledger.calls)
    with capsys.disabled():
        print(
            f"\nseed {SEED}: {len(ledger.calls)} calls {dict(outcomes)}, {tried} tried again, {kills} kills, "
            f"{len(events)} events, {len(snapshots)} snapshots\n{dict(kinds)}"
        )
    assert await _overdue(county) == [], (
        "holds and blocks end by their deadlines, whichever process knows them"
    )
    assert faults == [], f"seed {SEED}: {faults[:10]}"
    assert ledger.unsettled == []
    # What is too late by the time it arrives is invalid.
    assert set(outcomes) <= {"OK", "FAILED_PRECONDITION", "NOT_FOUND", "INVALID_ARGUMENT"}, outcomes
    assert kills >= 1
    for needed in ("bed_held", "bed_hold_lapsed", "bed_occupied", "waiting_served", "bed_transferred_in"):
        assert kinds[needed], f"{needed} never happened: {kinds}"
    assert len({(row["kind"], row["key"]) for row in claims}) == len(claims)


async def test_afterwards_every_chain_is_intact_and_every_state_the_fold_of_its_events(
    county: County,
) -> None:
    audit: Any = audit_service_pb2_grpc.AuditServiceStub(county.hospitals[0].channel)
    request = audit_service_pb2.VerifyChainsRequest()
    operator = county.hospitals[0].as_("", Role.OPERATOR)
    answers = [answer async for answer in audit.VerifyChains(request, metadata=operator)]
    assert answers[-1].complete
    assert answers[-1].findings_count == 0
    assert answers[-1].aggregates_count == WARDS + 1
