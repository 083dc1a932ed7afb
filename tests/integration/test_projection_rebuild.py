"""Read models made anew beside those that serve: from store and topics, while commands go on, and swapped."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
import pytest_asyncio

from services.embedded.databases import drop_database
from services.operator.rpc.people import OPERATOR, TokenBook
from services.shared.kernel.actor import Role
from tests.integration.hospital import COUNTY, accept_request, new_id, referral_service
from tests.integration.messaging import until
from tests.integration.projection_desk import Desk
from tests.integration.referral_site import refused
from tests.stack import SharedStack
from tierlink.audit.v1 import audit_service_pb2, audit_service_pb2_grpc
from tierlink.projection.v1 import projection_service_pb2 as pb

pytestmark = pytest.mark.asyncio(loop_scope="module")

STORE, KAFKA = "PROJECTION_SOURCE_STORE", "PROJECTION_SOURCE_KAFKA"
NAMES = ("clock_readings", "listing")


@pytest_asyncio.fixture(loop_scope="module")
async def desk(stack: SharedStack, tmp_path: Path) -> AsyncIterator[Desk]:
    dsn = await stack.create_database(f"rebuild_{new_id()[:8]}")
    async with referral_service(tmp_path, dsn=dsn, kafka=stack.kafka_bootstrap, parts="grpc,relay") as (
        hospital,
        process,
    ):
        yield Desk(hospital=hospital, process=process, dsn=dsn)
    await drop_database(stack.postgres_dsn, dsn.rsplit("/", 1)[1])


@pytest.mark.parametrize("source", [STORE, KAFKA])
@pytest.mark.parametrize("projection", NAMES)
async def test_made_anew_compared_and_swapped_while_commands_go_on(
    desk: Desk, source: str, projection: str
) -> None:
    names = set(await desk.live(12))
    assert (await desk.decide("BeginRebuild", projection, source=source)).number == 2
    going_on = asyncio.create_task(desk.live(12))
    done = await desk.built(projection)
    assert (done.complete, list(done.faults)) == (True, [])
    names |= set(await going_on)
    done = await desk.built(projection)
    assert (done.behind_count, done.built_count) == (0, done.aggregates_count)
    assert done.aggregates_count > 24 if projection == "listing" else done.aggregates_count == 24
    found, last = await desk.compared(projection)
    assert (found, last.behind_count, last.aggregates_count) == ([], 0, done.aggregates_count)
    # What comes between the last page and the swap is folded by the swap.
    names |= set(await desk.live(2))
    # But for the row of the decision itself.
    rows = f"SELECT * FROM public.{projection} r WHERE r::text NOT LIKE '(projections/%' ORDER BY 1, 2, 3"
    before = await desk.fetch(rows)
    swapped = await desk.decide("SwapProjection", projection)
    assert (swapped.serving, swapped.retired) == (2, 1)
    assert await desk.fetch(rows) == before
    # Sessions that knew the old table write and read the new one.
    names |= set(await desk.live(2))
    assert await desk.listed() == names
    assert len(await desk.fetch(f"SELECT FROM retired.{projection}")) >= len(before)
    indexes = {
        schema: {
            row["indexdef"].replace(f" ON {schema}.", " ON ")
            for row in await desk.fetch(
                "SELECT indexdef FROM pg_indexes WHERE schemaname = $1 AND tablename = $2", schema, projection
            )
        }
        for schema in ("public", "retired")
    }
    assert indexes["public"] == indexes["retired"] != set()
    assert (await desk.decide("DropProjection", projection, number=1)).number == 1
    shown = await desk.shown(projection)
    assert (shown.serving, shown.building, shown.retired, shown.reason) == (2, 0, 0, "新筛选")


async def test_whatever_differs_is_named(desk: Desk) -> None:
    altered, extra, missing = await desk.live(3)
    await desk.decide("BeginRebuild", source=STORE)
    await desk.built()
    await desk.fetch(
        "UPDATE building.listing SET urgency = 'ROUTINE', phase = '' WHERE stream_id = $1 AND party = ''",
        altered,
    )
    await desk.fetch("DELETE FROM building.listing WHERE stream_id = $1 AND party = $2", missing, COUNTY)
    await desk.fetch("DELETE FROM listing WHERE stream_id = $1 AND party = $2", extra, COUNTY)
    await desk.fetch(
        "INSERT INTO listing SELECT 'referrals/gone', party, kind, phase, state, 0, pathway, urgency,"
        " direction, waits, overdue, created_at FROM listing WHERE stream_id = $1 AND party = ''",
        altered,
    )
    found, _ = await desk.compared()
    assert sorted(found) == sorted(
        [
            ("ALTERED", f'({altered},"")', "phase", "urgency"),
            ("MISSING", f"({missing},{COUNTY})"),
            ("EXTRA", f"({extra},{COUNTY})"),
            ("MISSING", '(referrals/gone,"")'),
        ]
    )
    # Commands on it make it one that the build has not all events of: it is left out, not accused.
    await desk.hospital.referrals.AcceptReferral(accept_request(missing), metadata=desk.hospital.as_(COUNTY))
    found, last = await desk.compared()
    assert last.behind_count >= 1
    assert not any(missing in each[1] for each in found)


async def test_cut_anywhere_it_goes_on_and_nothing_is_doubled(desk: Desk) -> None:
    await desk.live(6)
    (one,) = await desk.fetch("SELECT * FROM streams WHERE kind = 'referral' LIMIT 1")
    await desk.fetch(
        "INSERT INTO streams SELECT 'referrals/copy-' || n, kind, version, head_hash, snapshot, fold_version,"
        " facets, nextval('streams_changed') FROM streams, generate_series(1, 1500) AS n"
        " WHERE stream_id = $1",
        one["stream_id"],
    )
    await desk.decide("BeginRebuild", source=STORE)
    # Ctrl-C of the program: the stream is cancelled.
    call = desk.call("RunRebuild", projection="listing")
    await call.read()
    call.cancel()
    # kill -9 of the service, in the middle of the next.
    call = desk.call("RunRebuild", projection="listing")
    await call.read()
    desk.process.kill()
    with pytest.raises(grpc.aio.AioRpcError):
        while await call.read():
            pass
    await asyncio.to_thread(desk.process.start)

    async def again() -> bool:
        try:
            await desk.shown()
        except grpc.aio.AioRpcError:
            return False
        return True

    await until(again)
    await desk.built()
    # The copies have no events: what has none is not invented.
    (passed,) = await desk.fetch("SELECT is_passed FROM projection_builds WHERE state = 'BUILDING'")
    assert passed["is_passed"]
    rows = await desk.fetch("SELECT stream_id, party FROM building.listing")
    assert len({tuple(row) for row in rows}) == len(rows)
    serving = await desk.fetch("SELECT * FROM listing WHERE stream_id NOT LIKE '%copy%' ORDER BY 1, 2")
    assert await desk.fetch("SELECT * FROM building.listing ORDER BY 1, 2") == serving
    # So far behind it is not swapped: commands would wait.
    rules = await refused(desk.decide("SwapProjection"), grpc.StatusCode.FAILED_PRECONDITION)
    assert "FAR_BEHIND" in str(rules)


async def test_a_decision_of_a_process_that_died_is_carried_out(desk: Desk) -> None:
    await desk.live(2)
    await desk.decide("BeginRebuild", source=STORE)
    await desk.built()
    # As it stands when the process dies after the decision and before the tables change places.
    await desk.decide("SwapProjection")
    await desk.fetch("ALTER TABLE public.listing SET SCHEMA building")
    await desk.fetch("ALTER TABLE retired.listing SET SCHEMA public")
    await desk.fetch(
        "UPDATE projection_builds SET state = 'BUILDING' WHERE projection = 'listing' AND number = 2"
    )
    await desk.fetch(
        "UPDATE projection_builds SET state = 'SERVING' WHERE projection = 'listing' AND number = 1"
    )
    assert (await desk.shown()).serving == 2
    assert [
        row["number"]
        for row in await desk.fetch(
            "SELECT number FROM projection_builds WHERE state = 'SERVING' AND projection = 'listing'"
        )
    ] == [2]
    assert await desk.fetch("SELECT FROM retired.listing")


async def test_each_decision_is_on_record_and_what_makes_no_sense_is_refused(desk: Desk) -> None:
    request = {"request_id": new_id(), "projection": "listing", "source": STORE, "reason": "字段有误"}
    assert (await desk.call("BeginRebuild", **request)).number == 2
    assert (await desk.call("BeginRebuild", **request)).number == 2
    precondition = grpc.StatusCode.FAILED_PRECONDITION
    for call, code in (
        (desk.decide("BeginRebuild", source=STORE), precondition),
        (desk.decide("SwapProjection", "clock_readings"), precondition),
        (desk.decide("DropProjection", number=1), precondition),
        (desk.decide("BeginRebuild", "nothing", source=STORE), grpc.StatusCode.NOT_FOUND),
        (desk.decide("BeginRebuild", "clock_readings"), grpc.StatusCode.INVALID_ARGUMENT),
    ):
        await refused(call, code)
    stranger = desk.stub.ListProjections(
        pb.ListProjectionsRequest(), metadata=desk.hospital.as_(COUNTY, Role.COORDINATOR)
    )
    await refused(stranger, grpc.StatusCode.PERMISSION_DENIED)
    await desk.decide("DropProjection", number=2)
    assert not await desk.fetch("SELECT FROM pg_tables WHERE schemaname = 'building'")
    types = await desk.fetch(
        "SELECT type FROM events WHERE stream_id = 'projections/listing' ORDER BY version"
    )
    assert [row["type"] for row in types] == ["RebuildBegun", "BuildDropped"]
    audit = audit_service_pb2_grpc.AuditServiceStub(desk.hospital.channel)
    chains = audit.VerifyChains(
        audit_service_pb2.VerifyChainsRequest(aggregate_id="projections/listing"),
        metadata=desk.hospital.as_("", Role.OPERATOR),
    )
    assert [each.findings_count async for each in chains][-1] == 0
    assert (await desk.decide("BeginRebuild", source=KAFKA)).number == 3


async def test_the_program_plans_builds_compares_swaps_and_drops(desk: Desk) -> None:
    token = TokenBook(desk.hospital.key).token(OPERATOR)
    address = desk.process.ready.grpc

    async def tierlink(*arguments: str) -> tuple[int, str, str]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.operator", *arguments, "--token", token),
            *("--referral", address, "--bed", address, "--notification", address),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, said = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode(), said.decode()

    names = set(await desk.live(4))
    code, _, said = await tierlink("projection", "rebuild", "listing")
    assert (code, "--execute" in said) == (0, True)
    assert (await desk.shown()).building == 0
    code, _, said = await tierlink("projection", "rebuild", "listing", "--execute")
    assert (code, said) == (2, "tierlink: --reason ?\n")
    build = ("projection", "rebuild", "listing", "--execute", "--reason", "新筛选", "--output", "json")
    code, out, said = await tierlink(*build)
    assert code == 0, said
    found = json.loads(out)
    assert (found["same"], found["behind"], found["aggregates"] > 8) == (True, 0, True)
    code, _, said = await tierlink(*build, "--source", "kafka")
    assert (code, "STORE" in said) == (2, True)
    (row,) = await desk.fetch(
        "UPDATE building.listing SET overdue = true WHERE stream_id = $1 AND party = '' RETURNING stream_id",
        sorted(names)[0],
    )
    for command in (("projection", "compare", "listing"), ("events", "diff", "--projection", "listing")):
        code, out, said = await tierlink(*command, "--output", "json")
        assert code == 1, said
        assert json.loads(out)["differences"] == [
            {"kind": "ALTERED", "key": f'({row["stream_id"]},"")', "columns": ["overdue"]}
        ]
    swap = ("projection", "swap", "listing", "--reason", "已核对")
    assert (await tierlink(*swap, "--execute"))[0] == 1
    assert (await tierlink(*swap, "--despite-differences"))[0] == 0
    assert (await desk.shown()).serving == 1
    assert (await tierlink(*swap, "--despite-differences", "--execute"))[0] == 0
    code, out, _ = await tierlink("projection", "list", "--output", "json")
    shown = {each["name"]: each for each in json.loads(out)}
    assert (code, shown["listing"]["serving"], shown["listing"]["retired"]) == (0, 2, 1)
    assert shown["listing"]["reason"] == "已核对"
    drop = ("projection", "drop", "listing", "1", "--reason", "无误")
    assert [(await tierlink(*drop))[0], (await tierlink(*drop, "--execute"))[0]] == [0, 0]
    assert (await tierlink(*drop, "--execute"))[0] == 2
    assert (await tierlink("projection", "compare", "nothing"))[0] == 2
    assert (await tierlink("events", "diff", "--projection", "listing", "--store"))[0] == 2
    assert await desk.listed() == names
