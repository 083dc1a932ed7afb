"""Checkpoints of a running service as an operator meets them: made, kept, and held against the store."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from google.protobuf.timestamp_pb2 import Timestamp

from services.shared.audit.checkpoint_messages import checkpoint_of, head_of
from services.shared.audit.merkle import is_included
from services.shared.kernel.actor import Role
from services.shared.rpc.signing import generate_signing_key
from tests.integration.audit_trail import SET_BACK, Trail, audit_trail
from tests.integration.hospital import COUNTY, details, new_id
from tests.integration.referral_site import refused
from tests.stack import SharedStack
from tierlink.audit.v1 import audit_service_pb2 as pb
from tierlink.audit.v1 import audit_service_pb2_grpc

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def trail(stack: SharedStack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Trail]:
    async with audit_trail(stack, tmp_path_factory.mktemp("checkpoints")) as found:
        yield found


async def test_a_checkpoint_is_made_once_and_proves_what_is_in_it(trail: Trail) -> None:
    request = new_id()
    before = [each.number for each in (await trail.call("ListCheckpoints")).checkpoints]
    made = (await trail.call("MakeCheckpoint", request_id=request, expected_version=len(before))).checkpoint
    again = (await trail.call("MakeCheckpoint", request_id=request, expected_version=len(before))).checkpoint
    assert again == made
    assert (made.service, made.number) == ("referral", len(before) + 1)
    assert checkpoint_of(made).is_signed_by(made.public_key)

    heads = (await trail.call("ListCheckpointHeads", number=made.number)).heads
    assert len(heads) == made.tree_size > 0
    proof = await trail.call("ProveInclusion", number=made.number, aggregate_id=heads[0].aggregate_id)
    assert proof.head == heads[0]
    leaf = head_of(proof.head).leaf()
    assert is_included(leaf, proof.leaf_index, made.tree_size, proof.path, made.root)

    stale = trail.call("MakeCheckpoint", request_id=new_id(), expected_version=len(before))
    await refused(stale, grpc.StatusCode.ABORTED)
    reused = trail.call("MakeCheckpoint", request_id=request)
    await refused(reused, grpc.StatusCode.ALREADY_EXISTS)
    await refused(trail.call("ListCheckpointHeads", number=10_000), grpc.StatusCode.NOT_FOUND)
    nobody = trail.call("ProveInclusion", number=made.number, aggregate_id="referrals/nobody")
    await refused(nobody, grpc.StatusCode.NOT_FOUND)


async def test_checkpoints_are_operators_business(trail: Trail) -> None:
    asked: dict[str, dict[str, Any]] = {
        "MakeCheckpoint": {"request_id": new_id()},
        "ListCheckpoints": {},
        "ListCheckpointHeads": {"number": 1},
        "ProveInclusion": {"number": 1, "aggregate_id": "x"},
        "GetLinks": {"heads": [pb.AggregateHead(aggregate_id="x", version=1)]},
        "ListRecordedBefore": {"recorded_before": Timestamp(seconds=1)},
    }
    for name, fields in asked.items():
        for role in (Role.CLINICIAN, Role.COORDINATOR):
            call = trail.call(name, as_=trail.hospital.as_(COUNTY, role), **fields)
            await refused(call, grpc.StatusCode.PERMISSION_DENIED)


async def test_a_trail_is_exported_and_verified_without_us(trail: Trail) -> None:
    referral = await trail.hospital.create()
    out = trail.folder / "export"
    arguments = ("export", referral.name, "--out", str(out), "--lang", "en")
    await trail.call("MakeCheckpoint", request_id=new_id())
    code, said = await trail.run(*arguments)
    assert code == 0, said
    assert "newer than the checkpoint" not in said
    assert (await trail.run(*arguments))[0] == 2, "nothing is written over"

    verdict, heard = await _verified_alone(trail)
    assert (verdict, "intact" in heard) == (0, True), heard
    exported = (out / "metadata.jsonl").read_text("utf-8").splitlines()
    chains = {json.loads(line)["aggregate"] for line in exported}
    assert chains >= {referral.name}
    proofs = json.loads((out / "checkpoint.json").read_text("utf-8"))["proofs"]
    assert {proof["aggregate"] for proof in proofs} == chains
    reads = await trail.reads(referral.name)
    assert "GetTimeline" in {each.method.rpartition("/")[2] for each in reads}, "who exported is on record"

    events = (out / "events.jsonl").read_text("utf-8").splitlines()
    (out / "events.jsonl").write_text("\n".join(events[:-1]), "utf-8")
    assert (await _verified_alone(trail))[0] == 1


async def test_a_periods_trails_are_exported_each_once(trail: Trail) -> None:
    began = datetime.now(UTC).isoformat()
    referrals = [await trail.hospital.create() for _ in range(2)]
    ended = datetime.now(UTC).isoformat()
    later = await trail.hospital.create()
    await trail.call("MakeCheckpoint", request_id=new_id())
    out = trail.folder / "period"
    code, said = await trail.run("export", "--from", began, "--to", ended, "--out", str(out), "--lang", "en")
    assert code == 0, said
    exported = [json.loads(line) for line in (out / "events.jsonl").read_text("utf-8").splitlines()]
    places = [(each["aggregate"], each["version"]) for each in exported]
    assert len(places) == len(set(places))
    names = {name for name, _ in places}
    assert {each.name for each in referrals} | {each.episode for each in referrals} <= names
    assert later.name not in names
    verdict, heard = await _verified_alone(trail, "period")
    assert verdict == 0, heard

    both = trail.folder / "both"
    for wrong in ((), (later.name, "--from", began)):
        assert (await trail.run("export", *wrong, "--out", str(both)))[0] == 2, "names or a period"
    long_ago = ("--from", "2001-01-01", "--to", "2001-01-02")
    code, said = await trail.run("export", *long_ago, "--out", str(both), "--lang", "en")
    assert (code, "no referral in that period" in said) == (2, True)
    assert not both.exists()


async def _verified_alone(trail: Trail, folder: str = "export") -> tuple[int, str]:
    program = str(trail.folder / folder / "verify.py")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", program, "--public-key", str(trail.folder / "public.pem")),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode()


async def test_the_program_names_what_was_back_dated_and_checkpoints_stop_until_it_was_looked_into(
    trail: Trail,
) -> None:
    referral = await trail.hospital.create()
    kept, public = str(trail.folder / "before.jsonl"), str(trail.folder / "public.pem")
    assert (await trail.run("checkpoint", "--out", kept))[0] == 0
    last = (await trail.call("ListCheckpoints")).checkpoints[0].number
    await trail.append_back_dated(referral.name)

    code, said = await trail.run(
        "verify",
        "--checkpoint",
        kept,
        "--public-key",
        public,
        "--output",
        "json",
        "--aggregate",
        referral.name,
    )
    found = [each for one in json.loads(said)["services"] for each in one["findings"]]
    # As for the state: whoever forges a snapshot as well still cannot forge the checkpoint.
    assert (code, {each["code"] for each in found}) == (1, {"BACK_DATED", "STATE_MISMATCH"})
    back_dated = [each for each in found if each["code"] == "BACK_DATED"]
    assert {each["found_by"].split()[0] for each in back_dated} == {
        "referral",
        "bed",
        "notification",
        "checkpoint",
    }
    assert {each["aggregate"] for each in back_dated} == {referral.name}
    for each in back_dated:
        assert "1:00:0" in each["description"], "how far back"
        assert "before" in each["description"]
    code, said = await trail.run("checkpoint", "--out", str(trail.folder / "after.jsonl"))
    assert (code, f"{referral.name}@" in said) == (2, True), said
    code, said = await trail.run(
        "checkpoint", "--out", str(trail.folder / "after.jsonl"), "--accept-back-dated"
    )
    assert code == 0, said
    assert (referral.name, "BACK_DATED") in (await trail.findings())[1], "signed, and named all the same"
    for table in ("checkpoint_heads", "checkpoints"):
        await trail.execute(f"DELETE FROM {table} WHERE number > $1", last)
    await trail.execute(SET_BACK, referral.name)
    assert await trail.findings("--checkpoint", kept, "--public-key", public) == (0, set())


async def test_the_program_keeps_a_checkpoint_and_finds_what_was_removed_since(trail: Trail) -> None:
    kept, public = str(trail.folder / "kept.jsonl"), str(trail.folder / "public.pem")
    code, out = await trail.run("checkpoint", "--out", kept)
    assert code == 0, out
    assert (await trail.run("checkpoint", "--out", kept))[0] == 2, "no kept checkpoint is replaced"
    assert await trail.findings("--checkpoint", kept, "--public-key", public) == (0, set())

    lines = (trail.folder / "kept.jsonl").read_text("utf-8").splitlines()
    forged = trail.folder / "forged.jsonl"
    header = {**json.loads(lines[0]), "tree_size": 999}
    forged.write_text("\n".join([json.dumps(header), *lines[1:]]), "utf-8")
    code, found = await trail.findings("--checkpoint", str(forged))
    assert (code, {what for _, what in found}) == (1, {"FORGED_CHECKPOINT"})
    other = generate_signing_key().private_key.public_key()
    pem = other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (trail.folder / "other.pem").write_bytes(pem)
    code, found = await trail.findings("--checkpoint", kept, "--public-key", str(trail.folder / "other.pem"))
    assert (code, {what for _, what in found}) == (1, {"FORGED_CHECKPOINT"})
    forged.write_text("no checkpoint", "utf-8")
    assert (await trail.run("verify", "--checkpoint", str(forged)))[0] == 2

    name = json.loads(lines[1])["aggregate"]
    await trail.execute(f"DELETE FROM events WHERE stream_id = '{name}'")
    await trail.execute(f"DELETE FROM streams WHERE stream_id = '{name}'")
    # Without the checkpoint nothing shows: the aggregate is gone with all that was its own.
    assert await trail.findings() == (0, set())
    assert await trail.findings("--checkpoint", kept, "--public-key", public) == (
        1,
        {(name, "AGGREGATE_MISSING")},
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await trail.call("MakeCheckpoint", request_id=new_id())
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert "PreconditionFailure" in details(caught.value)


async def test_processes_of_the_service_find_what_it_finds_itself(trail: Trail) -> None:
    referral = await trail.hospital.create()
    for arguments in (("--processes", "2"), ("--processes", "1", "--chains")):
        assert await trail.findings(*arguments) == (0, set())
    await trail.execute(
        "UPDATE events SET recorded_at = recorded_at - interval '1 hour' "
        f"WHERE stream_id = '{referral.name}' AND version = 1"
    )
    alone = await trail.findings()
    assert alone == (1, {(referral.name, "COLUMN_MISMATCH")})
    assert await trail.findings("--processes", "2") == alone
    assert await trail.findings("--processes", "1", "--chains") == (0, set()), "a column, not a link"
    await trail.execute(f"UPDATE events SET hash = previous_hash WHERE stream_id = '{referral.name}'")
    by_chains = await trail.findings("--processes", "1", "--chains")
    assert by_chains == await trail.findings()
    assert (referral.name, "HASH_MISMATCH") in by_chains[1]


async def test_a_verification_says_how_far_it_is(trail: Trail) -> None:
    await trail.hospital.create()
    stub = audit_service_pb2_grpc.AuditServiceStub(trail.hospital.channel)  # type: ignore[no-untyped-call]
    request = pb.VerifyChainsRequest(processes=1, aggregate_kind="referral")
    heard = [
        each async for each in stub.VerifyChains(request, metadata=trail.hospital.as_("", Role.OPERATOR))
    ]
    assert heard[0].events_count == 0
    assert heard[0].events_total == heard[-1].events_count == heard[-1].events_total > 0
    assert [each.complete for each in heard] == [False] * (len(heard) - 1) + [True]
    assert heard[-1].aggregates_count == heard[-1].aggregates_total > 0
