"""Trails of wards, of alerts and of the directory: exported by the program, verified without us."""

import asyncio
import base64
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.embedded.databases import drop_database
from services.operator.platform.service_process import ServiceProcess
from services.operator.rpc.people import OPERATOR
from services.shared.kernel.actor import Role
from services.shared.rpc.signing import SigningKey, generate_signing_key, sign_token, write_key_files
from tests.doubles.gateway import running_gateway
from tests.integration.audit_trail import audit_trail
from tests.integration.hospital import COUNTY, Hospital, details, new_id
from tests.integration.notification_site import notification_site
from tests.stack import SharedStack
from tierlink.audit.v1 import audit_service_pb2 as pb
from tierlink.audit.v1 import audit_service_pb2_grpc
from tierlink.bed.v1 import bed_service_pb2, bed_service_pb2_grpc

pytestmark = pytest.mark.timeout(120)


def _signer(folder: Path) -> dict[str, str]:
    """The settings of a service that signs checkpoints; the public half is `public.pem`."""
    key = generate_signing_key()
    public = key.private_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "public.pem").write_bytes(public)
    return {"TIERLINK_CHECKPOINT_KEY": str(write_key_files(key, folder / "signer").private_key)}


@asynccontextmanager
async def _bed_service(stack: SharedStack, folder: Path) -> AsyncIterator[tuple[Hospital, str]]:
    dsn = await stack.create_database(f"trails_{new_id()[:8]}")
    key = generate_signing_key()
    environment = {
        "TIERLINK_BED_DSN": dsn,
        "TIERLINK_KAFKA_BOOTSTRAP": "127.0.0.1:1",
        "TIERLINK_JWKS": str(write_key_files(key, folder / "keys").jwks),
        "TIERLINK_PARTS": "grpc",
        "TIERLINK_LOG_LEVEL": "WARNING",
        **_signer(folder),
    }
    process = ServiceProcess("bed", folder=folder / "bed", environment=environment)
    await asyncio.to_thread(process.start)
    try:
        async with grpc.aio.insecure_channel(process.ready.grpc) as channel:
            yield Hospital(key=key, channel=channel), process.ready.grpc
    finally:
        await asyncio.to_thread(process.stop)
    await drop_database(stack.postgres_dsn, dsn.rsplit("/", 1)[1])


async def _sign(address: str, key: SigningKey) -> None:
    async with grpc.aio.insecure_channel(address) as channel:
        stub = audit_service_pb2_grpc.AuditServiceStub(channel)  # type: ignore[no-untyped-call]
        who = (("authorization", f"Bearer {_token(key)}"),)
        await stub.MakeCheckpoint(pb.MakeCheckpointRequest(request_id=new_id()), metadata=who)


def _token(key: SigningKey) -> str:
    return sign_token(key, OPERATOR, issued_at=datetime.now(UTC), lifetime_s=600)


async def _export(service: str, address: str, key: SigningKey, out: Path, *names: str) -> tuple[int, str]:
    return await _run(
        *("-m", "services.operator", "audit", "export", *names, "--out", str(out), "--lang", "en"),
        *(f"--{service}", address, "--token", _token(key)),
    )


async def _verify(out: Path) -> tuple[int, str]:
    public = str(out.parent / "public.pem")
    return await _run("-I", "-S", str(out / "verify.py"), "--public-key", public)


async def _run(*arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


def _rows(out: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / name).read_text("utf-8").splitlines()]


async def _change_bytes(out: Path) -> None:
    """One byte of a payload, in turn its first, one of the middle, and its last: each is found."""
    whole = (out / "events.jsonl").read_text("utf-8")
    rows = _rows(out, "events.jsonl")
    row = rows[len(rows) // 2]
    payload = base64.b64decode(row["payload"])
    for place in (0, len(payload) // 2, -1):
        altered = bytearray(payload)
        altered[place] ^= 1
        row["payload"] = base64.b64encode(altered).decode()
        (out / "events.jsonl").write_text("".join(f"{json.dumps(each)}\n" for each in rows), "utf-8")
        code, said = await _verify(out)
        assert (code, f"HASH_MISMATCH {row['aggregate']}@{row['version']}" in said) == (1, True), said
    (out / "events.jsonl").write_text(whole, "utf-8")
    assert (await _verify(out))[0] == 0


async def test_wards_are_exported_alone_and_verified_without_us(stack: SharedStack, tmp_path: Path) -> None:
    async with _bed_service(stack, tmp_path) as (hospital, address):
        beds = bed_service_pb2_grpc.BedServiceStub(hospital.channel)  # type: ignore[no-untyped-call]
        wards = [f"{prefix}-{new_id()[:8]}" for prefix in ("stroke", "chest", "other")]
        for count in (2, 3):
            specifications = [
                {"id": each, "bed_type": "BED_TYPE_STROKE_UNIT", "bed_count": count} for each in wards
            ]
            request = bed_service_pb2.ApplyWardsRequest(
                request_id=new_id(), facility=COUNTY, wards=specifications
            )
            await beds.ApplyWards(request, metadata=hospital.as_("", Role.OPERATOR))
        out = tmp_path / "wards"
        names = [f"wards/{each}" for each in wards[:2]]
        code, said = await _export("bed", address, hospital.key, out, *names)
        assert (code, "there is no checkpoint yet" in said) == (2, True), said
        await _sign(address, hospital.key)
        code, said = await _export("bed", address, hospital.key, out, *names, names[0])
        assert code == 0, said

        events = _rows(out, "events.jsonl")
        assert {each["aggregate"] for each in events} == set(names)
        places = [(each["aggregate"], each["version"]) for each in events]
        assert len(places) == len(set(places)) >= 4
        code, said = await _verify(out)
        assert (code, "intact: 2; bed 1" in said) == (0, True), said
        assert "newer than the checkpoint" not in said
        await _change_bytes(out)
        resources = _rows(out, "audit_events.ndjson")
        assert len(resources) == len(events)
        assert {each["type"]["code"] for each in resources} == {"110100"}, "no patient's record"
        assert resources[0]["entity"][0]["what"]["identifier"]["value"] in names
        assert _rows(out, "metadata.jsonl")[0]["details"], "readable, beside the bytes"

        for wrong, heard in (
            (("wards/nowhere",), "NOT_FOUND"),
            (("patients/1",), "no such trails: patients"),
            ((names[0], "alerts/1"), "one service's trails"),
        ):
            code, said = await _export("bed", address, hospital.key, tmp_path / "none", *wrong)
            assert (code, heard in said) == (2, True), said
        assert not (tmp_path / "none").exists()


async def test_alerts_are_exported_alone_and_contact_points_are_not(
    stack: SharedStack, tmp_path: Path
) -> None:
    settings = _signer(tmp_path)
    async with (
        running_gateway() as gateway,
        notification_site(stack, tmp_path, gateway, parts="grpc", settings=settings) as site,
    ):
        names = [await site.trigger(dedup_key=f"trail/{new_id()}") for _ in range(2)]
        await site.acknowledge(names[0])
        address = site.process.ready.grpc
        await _sign(address, site.key)
        out = tmp_path / "alerts"
        code, said = await _export("notification", address, site.key, out, *names)
        assert code == 0, said

        code, said = await _verify(out)
        assert (code, "intact: 2; notification 1" in said) == (0, True), said
        await _change_bytes(out)
        kinds = {(each["aggregate"], each["kind"]) for each in _rows(out, "events.jsonl")}
        assert kinds == {(name, "alert") for name in names}
        types = {each["subtype"][0]["code"] for each in _rows(out, "audit_events.ndjson")}
        assert {"AlertTriggered", "AlertAcknowledged"} <= types
        assert {each["type"]["code"] for each in _rows(out, "audit_events.ndjson")} == {"110110"}


async def test_stored_events_are_operators_business_and_patients_records_are_read_on_record(
    stack: SharedStack, tmp_path: Path
) -> None:
    async with audit_trail(stack, tmp_path) as trail:
        referral = await trail.hospital.create()
        for role in (Role.CLINICIAN, Role.COORDINATOR, Role.REFERRAL_OFFICE, Role.AMBULANCE, Role.BED_DESK):
            for name in (referral.name, "directory/main", "referrals/nobody"):
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    who = trail.hospital.as_(COUNTY, role)
                    await trail.call("ListEvents", as_=who, aggregate_id=name)
                assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
                assert "ROLE_NOT_PERMITTED" in str(details(caught.value))
        for name in (referral.name, referral.episode):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await trail.call("ListEvents", aggregate_id=name)
            assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
            assert "READ_ON_RECORD" in str(details(caught.value))
        for wrong in ({}, {"aggregate_id": "x", "page_size": 1001}, {"aggregate_id": "x" * 513}):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await trail.call("ListEvents", **wrong)
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT

        await trail.call("MakeCheckpoint", request_id=new_id())
        out = tmp_path / "directory"
        code, said = await _export("referral", trail.address, trail.hospital.key, out, "directory/main")
        assert code == 0, said
        code, said = await _verify(out)
        assert (code, "intact: 1; referral 1" in said) == (0, True), said
