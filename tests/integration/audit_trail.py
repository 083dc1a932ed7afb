"""A referral service whose audit trail is looked at by calls, by the program, and with the password."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.embedded.databases import drop_database
from services.operator.rpc.people import OPERATOR
from services.shared.kernel.actor import Role
from services.shared.kernel.hash_chain import link
from services.shared.rpc.signing import generate_signing_key, sign_token, write_key_files
from tests.integration.hospital import Hospital, new_id, referral_service
from tests.stack import SharedStack
from tierlink.audit.v1 import audit_service_pb2 as pb
from tierlink.audit.v1 import audit_service_pb2_grpc
from tierlink.referral.v1 import referral_events_pb2
from tierlink.referral.v1 import referral_service_pb2 as referral_pb


@dataclass(frozen=True, kw_only=True)
class Trail:
    """An operator's side."""

    hospital: Hospital
    address: str
    dsn: str
    folder: Path

    async def call(self, name: str, *, as_: Any = None, **fields: Any) -> Any:
        stub = audit_service_pb2_grpc.AuditServiceStub(self.hospital.channel)  # type: ignore[no-untyped-call]
        who = as_ or self.hospital.as_("", Role.OPERATOR)
        return await getattr(stub, name)(getattr(pb, f"{name}Request")(**fields), metadata=who)

    async def run(self, *arguments: str) -> tuple[int, str]:
        token = sign_token(self.hospital.key, OPERATOR, issued_at=datetime.now(UTC), lifetime_s=600)
        names = ("referral",) if arguments[0] == "export" else ("referral", "bed", "notification")
        addresses = [part for name in names for part in (f"--{name}", self.address)]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.operator", "audit", *arguments, *addresses, "--token", token),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        return process.returncode or 0, out.decode() + err.decode()

    async def findings(self, *arguments: str) -> tuple[int, set[tuple[str, str]]]:
        code, out = await self.run("verify", "--output", "json", *arguments)
        services = json.loads(out)["services"]
        return code, {(each["aggregate"], each["code"]) for one in services for each in one["findings"]}

    async def reads(self, resource: str) -> list[Any]:
        request = referral_pb.ListReadsRequest(resource=resource)
        who = self.hospital.as_("", Role.OPERATOR)
        return list((await self.hospital.referrals.ListReads(request, metadata=who)).reads)

    async def execute(self, statement: str, *arguments: Any) -> None:
        connection = await asyncpg.connect(self.dsn)
        try:
            await connection.execute(statement, *arguments)
        finally:
            await connection.close()

    async def append_back_dated(self, name: str) -> None:
        """As somebody with the database's password would: right hashes, an hour before the last."""
        connection = await asyncpg.connect(self.dsn)
        try:
            row = await connection.fetchrow(_LAST_EVENT, name)
            event = referral_events_pb2.ReferralEvent.FromString(row["payload"])
            event.metadata.version += 1
            event.metadata.event_id = new_id()
            event.metadata.recorded_at.seconds -= 3600
            payload = event.SerializeToString()
            recorded_at = event.metadata.recorded_at.ToDatetime(tzinfo=UTC)
            digest = link(row["hash"], payload)
            forged = (event.metadata.version, event.metadata.event_id, recorded_at, digest, payload)
            await connection.execute(_FORGE_EVENT, name, *forged)
            await connection.execute(_FORGE_ROW, name, event.metadata.version, digest)
        finally:
            await connection.close()


_LAST_EVENT = "SELECT hash, payload FROM events WHERE stream_id = $1 ORDER BY version DESC LIMIT 1"
_FORGE_EVENT = """
    INSERT INTO events
    SELECT stream_id, $2::bigint, $3::uuid, type, $4, hash, $5, $6
    FROM events WHERE stream_id = $1 AND version = $2::bigint - 1
"""
_FORGE_ROW = "UPDATE streams SET version = $2, head_hash = $3 WHERE stream_id = $1"
SET_BACK = """
    WITH gone AS (DELETE FROM events e USING streams s
                  WHERE e.stream_id = $1 AND s.stream_id = $1 AND e.version = s.version)
    UPDATE streams s SET version = e.version, head_hash = e.hash FROM events e
    WHERE s.stream_id = $1 AND e.stream_id = $1 AND e.version = s.version - 1
"""


@asynccontextmanager
async def audit_trail(stack: SharedStack, folder: Path) -> AsyncIterator[Trail]:
    """A referral service with a key for checkpoints, whose public half is `public.pem` in the folder."""
    dsn = await stack.create_database(f"checkpoints_{new_id()[:8]}")
    key = generate_signing_key()
    files = write_key_files(key, folder / "signer")
    public = key.private_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "public.pem").write_bytes(public)
    settings = {"TIERLINK_CHECKPOINT_KEY": str(files.private_key)}
    async with referral_service(folder, dsn=dsn, settings=settings) as (hospital, process):
        yield Trail(hospital=hospital, address=process.ready.grpc, dsn=dsn, folder=folder)
    await drop_database(stack.postgres_dsn, dsn.rsplit("/", 1)[1])
