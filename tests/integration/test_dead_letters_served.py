"""Dead letters of a running service as an operator meets them: seen, redriven, given up, and on record."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import grpc
import pytest
import pytest_asyncio

from services.embedded.databases import drop_database
from services.operator.rpc.people import OPERATOR
from services.referral.entrypoints.bed_news import BED_TOPIC
from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.topics import TopicSpec, ensure_topics
from services.shared.kernel.actor import Role
from services.shared.rpc.signing import sign_token
from tests.integration.hospital import COUNTY, new_id, referral_service
from tests.integration.letter_desk import LetterDesk
from tests.integration.messaging import until
from tests.integration.referral_site import refused
from tests.stack import SharedStack
from tierlink.audit.v1 import audit_service_pb2, audit_service_pb2_grpc
from tierlink.inbox.v1 import dead_letter_service_pb2 as pb

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(stack: SharedStack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LetterDesk]:
    await ensure_topics(KafkaAddress(bootstrap=stack.kafka_bootstrap), [TopicSpec(name=BED_TOPIC)])
    dsn = await stack.create_database(f"letters_{new_id()[:8]}")
    folder = tmp_path_factory.mktemp("letters")
    async with referral_service(
        folder, dsn=dsn, kafka=stack.kafka_bootstrap, parts="grpc,relay,consumer"
    ) as (hospital, process):
        yield LetterDesk(hospital=hospital, address=process.ready.grpc, kafka=stack.kafka_bootstrap)
    await drop_database(stack.postgres_dsn, dsn.rsplit("/", 1)[1])


async def test_a_letter_is_redriven_then_given_up_and_both_are_on_record(desk: LetterDesk) -> None:
    ward = await desk.poisoned()
    letter = await desk.letter_of(ward)
    assert (letter.topic, letter.version, bool(letter.error)) == (BED_TOPIC, 1, True)
    record = await desk.call("GetDeadLetter", id=letter.id)
    assert (record.value, record.parked_count) == (b"\xff\xff", 1)
    assert {header.name: header.value for header in record.headers}["ce_type"] == b"BedHeld"

    order = {"request_id": new_id(), "topic": BED_TOPIC, "aggregate": f"wards/{ward}", "reason": "已修复解码"}
    redriven = await desk.call("RedriveDeadLetters", **order)
    assert list(redriven.letters) == [letter.id]

    async def again() -> bool:
        found = await desk.waits(ward)
        return found is not None and found.letters_count == 1 and (await desk.letter_of(ward)).id != letter.id

    await until(again)
    second = await desk.letter_of(ward)
    repeated = await desk.call("RedriveDeadLetters", **order)
    assert list(repeated.letters) == [letter.id]
    assert (await desk.letter_of(ward)).id == second.id, "the letter that came after is not in the order"
    await refused(
        desk.call("RedriveDeadLetters", **{**order, "reason": "another"}), grpc.StatusCode.ALREADY_EXISTS
    )

    await desk.call("DiscardDeadLetter", request_id=new_id(), id=second.id, reason="测试数据")

    async def nothing_waits() -> bool:
        return await desk.waits(ward) is None

    await until(nothing_waits)
    await refused(
        desk.call("DiscardDeadLetter", request_id=new_id(), id=second.id, reason="x"),
        grpc.StatusCode.NOT_FOUND,
    )
    audit = audit_service_pb2_grpc.AuditServiceStub(desk.hospital.channel)  # type: ignore[no-untyped-call]
    name = f"deadletters/{BED_TOPIC}/wards/{ward}"
    request = audit_service_pb2.VerifyChainsRequest(aggregate_id=name)
    last = [each async for each in audit.VerifyChains(request, metadata=desk.credentials)][-1]
    assert (last.complete, last.events_count, last.findings_count) == (True, 2, 0)


async def test_what_is_missing_or_nobodys_is_refused(desk: LetterDesk) -> None:
    ward = await desk.poisoned()
    letter = await desk.letter_of(ward)
    for role in (Role.CLINICIAN, Role.COORDINATOR):
        for name in ("SummarizeDeadLetters", "ListDeadLetters"):
            request = getattr(pb, f"{name}Request")()
            call = getattr(desk.stub, name)(request, metadata=desk.hospital.as_(COUNTY, role))
            await refused(call, grpc.StatusCode.PERMISSION_DENIED)
    unknown = {"request_id": new_id(), "topic": BED_TOPIC, "aggregate": "wards/nobody", "reason": "x"}
    await refused(desk.call("RedriveDeadLetters", **unknown), grpc.StatusCode.NOT_FOUND)
    await refused(
        desk.call("DiscardDeadLetter", request_id=new_id(), id=letter.id, reason=""),
        grpc.StatusCode.INVALID_ARGUMENT,
    )
    await refused(desk.call("GetDeadLetter", id=2**40), grpc.StatusCode.NOT_FOUND)
    await desk.call("DiscardDeadLetter", request_id=new_id(), id=letter.id, reason="测试数据")


async def test_the_program_shows_plans_and_acts(desk: LetterDesk) -> None:
    ward = await desk.poisoned()
    letter = await desk.letter_of(ward)
    code, out = await _dlq(desk, "list", "--output", "json")
    assert code == 1
    letters = json.loads(out)["referral"]["letters"]
    assert ward in {each["aggregate"].removeprefix("wards/") for each in letters}
    give_up = ("discard", str(letter.id), "--service", "referral", "--reason", "测试数据")
    assert (await _dlq(desk, *give_up))[0] == 0
    assert await desk.waits(ward) is not None, "without --execute nothing happens"
    assert (await _dlq(desk, *give_up, "--execute"))[0] == 0

    async def nothing_waits() -> bool:
        return await desk.waits(ward) is None

    await until(nothing_waits)


async def _dlq(desk: LetterDesk, *arguments: str) -> tuple[int, str]:
    token = sign_token(desk.hospital.key, OPERATOR, issued_at=datetime.now(UTC), lifetime_s=600)
    addresses = [part for name in ("referral", "bed", "notification") for part in (f"--{name}", desk.address)]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.operator", "dlq", *arguments, *addresses, "--token", token),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode()
