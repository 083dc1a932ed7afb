"""A bed desk with two processes of the bed service over one database, and no Kafka."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
import pytest_asyncio

from services.embedded.databases import drop_database
from services.operator.platform.service_process import ServiceProcess
from services.shared.kernel.actor import Role
from services.shared.rpc.signing import generate_signing_key, write_key_files
from tests.integration.hospital import COUNTY, Hospital, new_id
from tests.stack import SharedStack
from tierlink.bed.v1 import bed_pb2, bed_service_pb2_grpc
from tierlink.bed.v1 import bed_service_pb2 as pb

STALE_AFTER_S = 5400
HOLD_MAX_S = 36 * 3600


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Two processes of the bed service, and a client of each."""

    hospitals: tuple[Hospital, ...]
    dsn: str

    def beds(self, process: int = 0) -> Any:
        return bed_service_pb2_grpc.BedServiceStub(self.hospitals[process].channel)

    def desk_of(self, facility: str = COUNTY) -> tuple[tuple[str, str], ...]:
        return self.hospitals[0].as_(facility, Role.BED_DESK)

    async def apply(self, ward: str, beds: int) -> Any:
        specification = {"id": ward, "bed_type": "BED_TYPE_STROKE_UNIT", "bed_count": beds}
        request = pb.ApplyWardsRequest(request_id=new_id(), facility=COUNTY, wards=[specification])
        return await self.beds().ApplyWards(request, metadata=self.hospitals[0].as_("", Role.OPERATOR))

    async def ward(self, name: str) -> bed_pb2.Ward:
        page = await self.beds().ListBeds(pb.ListBedsRequest(facility=COUNTY), metadata=self.desk_of())
        return next(ward for ward in page.wards if ward.id == name)


def hold_request(**changes: Any) -> pb.HoldBedRequest:
    fields: dict[str, Any] = {
        "request_id": new_id(),
        "facility": COUNTY,
        "referral": f"referrals/{new_id()}",
        "patient": "P-1",
        "bed_type": "BED_TYPE_STROKE_UNIT",
        "expires_at": datetime.now(UTC) + timedelta(hours=1),
    }
    return pb.HoldBedRequest(**{**fields, **changes})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(stack: SharedStack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    dsn = await stack.create_database(f"beds_{new_id()[:8]}")
    folder = tmp_path_factory.mktemp("bed")
    key = generate_signing_key()
    files = write_key_files(key, folder / "keys")
    environment = {
        "TIERLINK_BED_DSN": dsn,
        "TIERLINK_KAFKA_BOOTSTRAP": "127.0.0.1:1",
        "TIERLINK_JWKS": str(files.jwks),
        "TIERLINK_PARTS": "grpc,deadlines",
        "TIERLINK_BED_STALE_AFTER_S": str(STALE_AFTER_S),
        "TIERLINK_BED_HOLD_MAX_S": str(HOLD_MAX_S),
        "TIERLINK_LOG_LEVEL": "WARNING",
    }
    async with AsyncExitStack() as running:
        hospitals = []
        for number in range(2):
            process = ServiceProcess("bed", folder=folder / str(number), environment=environment)
            running.callback(process.stop)
            await asyncio.to_thread(process.start)
            channel = await running.enter_async_context(grpc.aio.insecure_channel(process.ready.grpc))
            hospitals.append(Hospital(key=key, channel=channel))
        yield Desk(hospitals=tuple(hospitals), dsn=dsn)
    await drop_database(stack.postgres_dsn, dsn.rsplit("/", 1)[1])
