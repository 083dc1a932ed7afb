"""One notification process, a roster of a facility, and the program that its keepers run."""

import asyncio
import contextlib
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
from typer.testing import CliRunner, Result

from services.operator.main import app
from services.operator.platform.service_process import ServiceProcess
from services.shared.kernel.actor import Role
from services.shared.rpc.signing import generate_signing_key, write_key_files
from tests.integration.hospital import COUNTY, Hospital
from tests.stack import SharedStack
from tierlink.notification.v1 import (
    alert_service_pb2,
    alert_service_pb2_grpc,
    roster_service_pb2_grpc,
)


@dataclass(kw_only=True)
class Site:
    """One notification process, and the county hospital's people."""

    hospital: Hospital
    dsn: str
    address: str

    @property
    def rosters(self) -> Any:
        return roster_service_pb2_grpc.RosterServiceStub(self.hospital.channel)

    def office(self) -> Any:
        return self.hospital.as_(COUNTY, Role.REFERRAL_OFFICE, user="office")

    async def alerts(self, rule: str = "COVERAGE_GAP") -> list[Any]:
        stub: Any = alert_service_pb2_grpc.AlertServiceStub(self.hospital.channel)
        found = await stub.ListAlerts(
            alert_service_pb2.ListAlertsRequest(), metadata=self.hospital.as_(COUNTY)
        )
        return [alert for alert in found.alerts if alert.rule == rule]

    async def run(self, *arguments: str) -> Result:
        """The program, as an operator of the site would run it."""
        token = dict(self.hospital.as_("", Role.OPERATOR))["authorization"].removeprefix("Bearer ")
        options = ("--notification", self.address, "--token", token, "--lang", "zh")
        return await asyncio.to_thread(CliRunner().invoke, app, ["roster", *arguments, *options])


@contextlib.asynccontextmanager
async def site(stack: SharedStack, dsn: str, folder: Path) -> AsyncIterator[Site]:
    key = generate_signing_key()
    files = write_key_files(key, folder / "keys")
    contact_keys = folder / "contact_keys.txt"
    contact_keys.write_text(f"own {b64encode(bytes(range(32))).decode()}\n")
    process = ServiceProcess(
        "notification",
        folder=folder / "process",
        environment={
            "TIERLINK_NOTIFICATION_DSN": dsn,
            "TIERLINK_NOTIFICATION_CONTACT_KEYS": str(contact_keys),
            "TIERLINK_KAFKA_BOOTSTRAP": stack.kafka_bootstrap,
            "TIERLINK_JWKS": str(files.jwks),
            "TIERLINK_PARTS": "grpc,relay,consumer,deadlines",
            "TIERLINK_LOG_LEVEL": "WARNING",
        },
    )
    process.start()
    try:
        async with grpc.aio.insecure_channel(process.ready.grpc) as channel:
            yield Site(hospital=Hospital(key=key, channel=channel), dsn=dsn, address=process.ready.grpc)
    finally:
        process.kill()


def roster_file(folder: Path, today: datetime, *, substitute: str = "") -> Path:
    """Two take turns since yesterday; the one who has tomorrow's is on leave tomorrow at noon."""
    noon = (today + timedelta(days=1)).strftime("%Y-%m-%d")
    stands_in = f", substitute: {{user: {substitute}, name: 替班}}" if substitute else ""
    path = folder / "roster.yaml"
    path.write_text(
        f"""\
facility: {COUNTY}
rotations:
  - post: {{role: STROKE, step: duty}}
    period: DAILY
    people: [{{user: dr-li, name: 李医师}}, {{user: dr-wang, name: 王医师}}]
    starts_on: {(today - timedelta(days=1)).strftime("%Y-%m-%d")}
    handover: 00:00
  - post: {{role: STROKE, step: backup}}
    period: WEEKLY
    people: [{{user: dr-wu, name: 吴主任}}]
    starts_on: {(today - timedelta(days=1)).strftime("%Y-%m-%d")}
    handover: 00:00
duties:
  - {{role: STROKE, step: lead, user: dr-chief, name: 主任}}
leaves:
  - {{user: dr-li, starts_at: {noon} 12:00, ends_at: {noon} 18:00{stands_in}}}
""",
        "utf-8",
    )
    return path
