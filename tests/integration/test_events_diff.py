"""`tierlink events diff`: each of the four kinds of difference, between topics and against a store."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import grpc
import pytest
import pytest_asyncio

from services.embedded.databases import drop_database
from services.operator.platform.service_process import ServiceProcess
from services.operator.rpc.people import OPERATOR, TokenBook
from services.referral.adapters.aggregate_codecs import REFERRAL_TOPIC
from services.shared.kernel.actor import Role
from tests.integration.event_copies import Made, events, histories, new_topic, put
from tests.integration.hospital import COUNTY, Hospital, accept_request, new_id, referral_service
from tests.integration.messaging import until
from tests.stack import SharedStack
from tierlink.audit.v1 import audit_service_pb2, audit_service_pb2_grpc

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: What was recorded a moment ago is compared too.
_NO_END = "2100-01-01"


async def diff(stack: SharedStack, *arguments: str) -> tuple[int, dict[str, int], list[tuple[str, str, int]]]:
    """Exit code, the counts that are not zero, and the differences."""
    code, out, said = await events(stack, "diff", *arguments, "--output", "json")
    assert code in (0, 1), said
    found = json.loads(out)
    assert found["same"] is (code == 0)
    return (
        code,
        {kind: count for kind, count in found["counts"].items() if count},
        [(each["kind"], each["aggregate"], each["version"]) for each in found["differences"]],
    )


async def test_two_topics(stack: SharedStack) -> None:
    first, second = await new_topic(stack), await new_topic(stack, partitions=2)
    made = histories(4, 3)
    await put(stack, first, made)
    # Another number of partitions and a repeated record are no difference.
    await put(stack, second, [*made, made[0]])
    assert await diff(stack, first, "--to-topic", second) == (0, {}, [])
    changed = {
        ("referrals/0", 2): [],
        ("referrals/1", 2): [Made(aggregate="referrals/1", version=2, after_s=made[5].after_s, note="x")],
        ("referrals/2", 1): [],
        ("referrals/3", 3): [made[11], Made(aggregate="referrals/3", version=4, after_s=99)],
    }
    third = await new_topic(stack)
    await put(
        stack,
        third,
        [*(new for each in made for new in changed.get((each.aggregate, each.version), [each])), made[2]],
    )
    code, counts, found = await diff(stack, first, "--to-topic", third)
    assert (code, counts) == (1, {"MISSING": 1, "EXTRA": 1, "ALTERED": 1, "REORDERED": 1})
    assert found == [
        ("MISSING", "referrals/0", 2),
        ("ALTERED", "referrals/1", 2),
        ("REORDERED", "referrals/2", 1),
        ("EXTRA", "referrals/3", 4),
    ]
    assert await diff(stack, first, "--to-topic", third, "--aggregate", "referrals/0") == (
        1,
        {"MISSING": 1},
        [("MISSING", "referrals/0", 2)],
    )


async def test_what_cannot_be_compared_ends_with_2(stack: SharedStack) -> None:
    first = await new_topic(stack)
    for arguments in (
        (first,),
        (first, "--to-topic", f"{first}.none"),
        (first, "--store", "--to-topic", "x"),
    ):
        code, _, said = await events(stack, "diff", *arguments)
        assert code == 2
        assert said.startswith("tierlink: ")


@dataclass(frozen=True, kw_only=True)
class Publishing:
    """A referral service that publishes, and its database."""

    hospital: Hospital
    process: ServiceProcess
    dsn: str

    async def execute(self, *statements: str) -> None:
        """As somebody with the database's password would: the table's guards are put aside."""
        connection = await asyncpg.connect(self.dsn)
        try:
            await connection.execute("SET session_replication_role = replica")
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def publishing(
    stack: SharedStack, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Publishing]:
    dsn = await stack.create_database(f"diff_{new_id()[:8]}")
    folder = tmp_path_factory.mktemp("diff")
    async with referral_service(folder, dsn=dsn, kafka=stack.kafka_bootstrap, parts="grpc,relay") as (
        hospital,
        process,
    ):
        yield Publishing(hospital=hospital, process=process, dsn=dsn)
    await drop_database(stack.postgres_dsn, dsn.rsplit("/", 1)[1])


async def test_a_store_and_its_topic(publishing: Publishing, stack: SharedStack) -> None:
    hospital = publishing.hospital
    names = []
    for _ in range(3):
        referral = await hospital.create(patient=f"P-{new_id()[:8]}")
        await hospital.referrals.AcceptReferral(accept_request(referral.name), metadata=hospital.as_(COUNTY))
        names.append(referral.name)
    address = publishing.process.ready.grpc
    token = TokenBook(hospital.key).token(OPERATOR)
    order = (
        *("referral", "--store", "--token", token, "--to", _NO_END),
        *("--referral", address, "--bed", address, "--notification", address),
        *(part for name in names for part in ("--aggregate", name)),
    )
    found: Any = None

    async def published() -> bool:
        nonlocal found
        found = await diff(stack, *order)
        return bool(found[0] == 0)

    await until(published)
    assert found == (0, {}, [])
    altered, removed, invented = names
    await publishing.execute(
        f"UPDATE events SET payload = payload || '\\x00' WHERE stream_id = '{altered}' AND version = 1",
        f"DELETE FROM events WHERE stream_id = '{removed}' AND version = 2",
        "INSERT INTO events SELECT stream_id, 9, gen_random_uuid(), type, recorded_at, previous_hash, hash,"
        f" payload FROM events WHERE stream_id = '{invented}' AND version = 2",
    )
    code, _, differences = await diff(stack, *order)
    assert code == 1
    assert sorted(differences) == sorted(
        [("ALTERED", altered, 1), ("EXTRA", removed, 2), ("MISSING", invented, 9)]
    )


async def test_digests_are_for_operators_and_of_ones_own_topics(publishing: Publishing) -> None:
    stub = audit_service_pb2_grpc.AuditServiceStub(publishing.hospital.channel)

    async def export(topic: str, *roles: Role, facility: str = "") -> list[Any]:
        request = audit_service_pb2.ExportEventsRequest(topic=topic)
        metadata = publishing.hospital.as_(facility, *roles)
        return [each async for each in stub.ExportEvents(request, metadata=metadata)]

    *pages, last = await export(REFERRAL_TOPIC, Role.OPERATOR)
    assert last.complete
    digests = [digest for page in pages for digest in page.events]
    assert [(each.aggregate_id, each.version) for each in digests] == sorted(
        (each.aggregate_id, each.version) for each in digests
    )
    assert {len(each.payload_sha256) for each in digests} == {32}
    for topic, role, code in (
        (REFERRAL_TOPIC, Role.CLINICIAN, grpc.StatusCode.PERMISSION_DENIED),
        (REFERRAL_TOPIC, Role.COORDINATOR, grpc.StatusCode.PERMISSION_DENIED),
        ("tierlink.bed.events.v1", Role.OPERATOR, grpc.StatusCode.NOT_FOUND),
        ("", Role.OPERATOR, grpc.StatusCode.INVALID_ARGUMENT),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await export(topic, role, facility=COUNTY)
        assert refused.value.code() is code
