"""A centre's notification service in two processes on one database, and what a test asks of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import msgspec

from services.notification.domain.directory import Facility, FacilityLevel
from services.operator.platform.service_process import ServiceProcess
from services.shared.database.pool import Database
from services.shared.eventstore.postgres_store import APPEND_SESSION, PostgresEventStore
from services.shared.eventstore.units import AppendUnit, Document
from services.shared.kernel.text import BilingualText
from services.shared.rpc.signing import generate_signing_key, write_key_files
from tests.integration.hospital import COUNTY, Hospital
from tests.stack import SharedStack
from tierlink.notification.v1 import (
    alert_service_pb2,
    alert_service_pb2_grpc,
    board_pb2,
    board_service_pb2,
    board_service_pb2_grpc,
    drill_service_pb2,
    drill_service_pb2_grpc,
)

#: China Standard Time, as the product's rules have it.
LOCAL = timedelta(minutes=480)


@dataclass(kw_only=True)
class Centre:
    """Two notification processes on one database, and clients of the first."""

    hospital: Hospital
    processes: tuple[ServiceProcess, ...]
    database: Database
    #: when the drill begins
    due: datetime

    @property
    def alerts(self) -> Any:
        return alert_service_pb2_grpc.AlertServiceStub(self.hospital.channel)

    @property
    def boards(self) -> Any:
        return board_service_pb2_grpc.BoardServiceStub(self.hospital.channel)

    @property
    def drills(self) -> Any:
        return drill_service_pb2_grpc.DrillServiceStub(self.hospital.channel)

    async def report(self, centre: str = "") -> None:
        """A board's sign of life."""
        await self.boards.ReportBoard(
            board_service_pb2.ReportBoardRequest(centre=centre), metadata=self.hospital.as_(COUNTY)
        )

    async def listed(self) -> Any:
        return await self.boards.ListBoards(
            board_service_pb2.ListBoardsRequest(), metadata=self.hospital.as_(COUNTY)
        )

    async def board(self, centre: str = "") -> Any:
        found = [each for each in (await self.listed()).boards if each.centre == centre]
        return found[0] if found else board_pb2.Board()

    async def alerts_of(self, rule: str) -> list[Any]:
        found = await self.alerts.ListAlerts(
            alert_service_pb2.ListAlertsRequest(), metadata=self.hospital.as_(COUNTY)
        )
        return [alert for alert in found.alerts if alert.rule == rule]

    async def drills_of(self, facility: str = COUNTY) -> list[Any]:
        found = await self.drills.ListDrills(
            drill_service_pb2.ListDrillsRequest(), metadata=self.hospital.as_(facility)
        )
        return list(found.drills)


async def _know(dsn: str, facility: Facility) -> None:
    """What the directory's topic would have told."""
    reading = Database(dsn, application_name="test")
    appending = Database(dsn, application_name="test", session=APPEND_SESSION)
    store = PostgresEventStore(reading, appending, on_appended=lambda units: None)
    value = msgspec.msgpack.encode(facility)
    await store.append(
        AppendUnit(documents=(Document(kind="facility", key=facility.id, version=1, value=value),))
    )
    await store.close()
    await reading.close()
    await appending.close()


def _boards_file(drill_at: str) -> str:
    drill = f'{{at: "{drill_at}", answer_within_s: 600, late_max_s: 600}}'
    return f"{{live_s: 5, limit_s: 5, centres: [STROKE], facilities: [], drill: {drill}}}"


@contextlib.asynccontextmanager
async def centre(
    stack: SharedStack, dsn: str, folder: Path, *, drill_in: timedelta | None = None
) -> AsyncIterator[Centre]:
    key = generate_signing_key()
    files = write_key_files(key, folder / "keys")
    boards = folder / "boards.yaml"
    boards.write_text(_boards_file(""))
    processes = tuple(
        ServiceProcess(
            "notification",
            folder=folder / f"process-{number}",
            environment={
                "TIERLINK_NOTIFICATION_DSN": dsn,
                "TIERLINK_NOTIFICATION_BOARDS": str(boards),
                "TIERLINK_KAFKA_BOOTSTRAP": stack.kafka_bootstrap,
                "TIERLINK_JWKS": str(files.jwks),
                "TIERLINK_PARTS": "grpc,relay,deadlines",
                "TIERLINK_LOG_LEVEL": "WARNING",
            },
        )
        for number in range(2)
    )
    processes[0].start()
    await _know(
        dsn,
        Facility(
            id=COUNTY,
            name=BilingualText(zh="县医院", en="County hospital"),
            level=FacilityLevel.COUNTY,
            capabilities=("STROKE", "ECG"),
        ),
    )
    # Both begin with what the first has made: tables and directory.
    processes[0].kill()
    due = datetime.now(UTC).replace(microsecond=0) + (drill_in or timedelta())
    boards.write_text(_boards_file("" if drill_in is None else (due + LOCAL).strftime("%H:%M:%S")))
    await asyncio.gather(*(asyncio.to_thread(process.start) for process in processes))
    database = Database(dsn, application_name="test")
    try:
        async with grpc.aio.insecure_channel(processes[0].ready.grpc) as channel:
            hospital = Hospital(key=key, channel=channel)
            yield Centre(hospital=hospital, processes=processes, database=database, due=due)
    finally:
        await database.close()
        for process in processes:
            process.kill()
