"""Boards and drills against the running service: two processes, one outage, one drill a day."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
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
from services.shared.kernel.actor import Role
from services.shared.kernel.text import BilingualText
from services.shared.rpc.signing import generate_signing_key, write_key_files
from tests.integration.hospital import BRANCH, COUNTY, Hospital, new_id
from tests.integration.messaging import until
from tests.integration.referral_site import refused
from tests.stack import CreateDatabase, SharedStack
from tierlink.notification.v1 import (
    alert_pb2,
    alert_service_pb2,
    alert_service_pb2_grpc,
    board_pb2,
    board_service_pb2,
    board_service_pb2_grpc,
    drill_pb2,
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

    @property
    def alerts(self) -> Any:
        return alert_service_pb2_grpc.AlertServiceStub(self.hospital.channel)

    @property
    def boards(self) -> Any:
        return board_service_pb2_grpc.BoardServiceStub(self.hospital.channel)

    @property
    def drills(self) -> Any:
        return drill_service_pb2_grpc.DrillServiceStub(self.hospital.channel)

    async def report(self) -> None:
        """A board's sign of life."""
        await self.boards.ReportBoard(
            board_service_pb2.ReportBoardRequest(), metadata=self.hospital.as_(COUNTY)
        )

    async def board(self) -> Any:
        found = await self.boards.ListBoards(
            board_service_pb2.ListBoardsRequest(), metadata=self.hospital.as_(COUNTY)
        )
        return found.boards[0] if found.boards else board_pb2.Board()

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


@contextlib.asynccontextmanager
async def centre(stack: SharedStack, dsn: str, folder: Path, *, drill_at: str = "") -> AsyncIterator[Centre]:
    key = generate_signing_key()
    files = write_key_files(key, folder / "keys")
    boards = folder / "boards.yaml"
    boards.write_text(
        f"{{live_s: 5, limit_s: 5, centres: [STROKE], facilities: [],"
        f' drill: {{at: "{drill_at}", answer_within_s: 600, late_max_s: 600}}}}'
    )
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
    processes[1].start()
    database = Database(dsn, application_name="test")
    try:
        async with grpc.aio.insecure_channel(processes[0].ready.grpc) as channel:
            hospital = Hospital(key=key, channel=channel)
            yield Centre(hospital=hospital, processes=processes, database=database)
    finally:
        await database.close()
        for process in processes:
            process.kill()


async def test_a_silent_board_is_one_alert_until_one_is_back(
    stack: SharedStack, database: CreateDatabase, tmp_path: Path
) -> None:
    async with centre(stack, await database(), tmp_path) as at:

        async def is_live() -> bool:
            return (await at.board()).state == board_pb2.BOARD_STATE_LIVE

        async def is_alarmed() -> bool:
            return bool(await at.alerts_of("NO_BOARD"))

        await until(lambda: _reported(at, is_live))
        assert await at.alerts_of("NO_BOARD") == []
        await until(is_alarmed)
        (alert,) = await at.alerts_of("NO_BOARD")
        assert alert.facility == COUNTY
        assert alert.dedup_key.startswith(f"NO_BOARD/boards/{COUNTY}/")
        assert alert.title.zh
        assert alert.title.en
        assert [step.duty for step in alert.escalation] == ["fallback"]
        # Both processes go on looking, and it stays the one alert of the one outage.
        await asyncio.sleep(3)
        assert len(await at.alerts_of("NO_BOARD")) == 1
        await until(lambda: _reported(at, is_live))
        (settled,) = await at.alerts_of("NO_BOARD")
        assert (settled.state, settled.resolution) == (alert_pb2.ALERT_STATE_RESOLVED, "BoardAppeared")
        await until(is_alarmed)
        await _nobody_else_learns_of_it(at)


async def _reported(at: Centre, condition: Callable[[], Awaitable[bool]]) -> bool:
    await at.report()
    return await condition()


async def _nobody_else_learns_of_it(at: Centre) -> None:
    """Alerts, boards and drills of a facility are its own."""
    stranger = at.hospital.as_(BRANCH)
    listed = await at.boards.ListBoards(board_service_pb2.ListBoardsRequest(), metadata=stranger)
    assert list(listed.boards) == []
    alerts = await at.alerts.ListAlerts(alert_service_pb2.ListAlertsRequest(), metadata=stranger)
    assert list(alerts.alerts) == []
    (alert, *_) = await at.alerts_of("NO_BOARD")
    await refused(
        at.alerts.GetAlert(alert_service_pb2.GetAlertRequest(name=alert.name), metadata=stranger),
        grpc.StatusCode.NOT_FOUND,
    )
    watch = at.alerts.WatchAlerts(alert_service_pb2.WatchAlertsRequest(facility=COUNTY), metadata=stranger)
    await refused(watch.read(), grpc.StatusCode.PERMISSION_DENIED)
    own = at.alerts.WatchAlerts(alert_service_pb2.WatchAlertsRequest(), metadata=stranger)
    first = await own.read()
    assert not first.HasField("alert")
    own.cancel()
    ambulance = at.hospital.as_(COUNTY, Role.AMBULANCE)
    for metadata in (ambulance, at.hospital.as_("", Role.OPERATOR)):
        await refused(
            at.boards.ReportBoard(board_service_pb2.ReportBoardRequest(), metadata=metadata),
            grpc.StatusCode.PERMISSION_DENIED,
        )
    await refused(
        at.boards.WithdrawBoard(
            board_service_pb2.WithdrawBoardRequest(
                request_id=new_id(), facility=COUNTY, reason={"code": "MOVED"}
            ),
            metadata=at.hospital.as_(BRANCH, Role.REFERRAL_OFFICE),
        ),
        grpc.StatusCode.PERMISSION_DENIED,
    )


async def test_a_drill_is_held_once_through_a_kill_and_its_answer_is_timed(
    stack: SharedStack, database: CreateDatabase, tmp_path: Path
) -> None:
    due = datetime.now(UTC) + LOCAL + timedelta(seconds=12)
    async with centre(stack, await database(), tmp_path, drill_at=due.strftime("%H:%M:%S")) as at:

        async def is_planned() -> bool:
            plans = "SELECT count(*) FROM streams WHERE kind = 'drill_plan'"
            return bool(await at.database.fetch_value(plans))

        await until(is_planned)
        for process in at.processes:
            process.kill()
        await asyncio.sleep(max(0.0, (due - LOCAL - datetime.now(UTC)).total_seconds() + 1))
        for process in at.processes:
            process.start()

        async def is_held() -> bool:
            with contextlib.suppress(grpc.aio.AioRpcError):
                return bool(await at.drills_of())
            return False

        await until(is_held)
        await asyncio.sleep(2)
        (held,) = await at.drills_of()
        assert (held.centre, held.scheduled, held.state) == ("STROKE", True, drill_pb2.DRILL_STATE_OPEN)
        (alert,) = await at.alerts_of("DRILL")
        assert (alert.drill, alert.name, alert.subject) == (True, held.alert, held.name)
        assert not alert.HasField("next_call_at")
        await _answer(at, alert.name)
        await _report(at)


async def _answer(at: Centre, alert: str) -> None:
    await at.alerts.AcknowledgeAlert(
        alert_service_pb2.AcknowledgeAlertRequest(request_id=new_id(), name=alert),
        metadata=at.hospital.as_(COUNTY),
    )
    (answered,) = await at.drills_of()
    assert answered.state == drill_pb2.DRILL_STATE_ANSWERED
    assert answered.response_ms > 0
    assert answered.answered_by.user == f"dr-{COUNTY}"

    async def is_off_the_boards() -> bool:
        (found,) = await at.alerts_of("DRILL")
        return bool(found.state == alert_pb2.ALERT_STATE_RESOLVED)

    await until(is_off_the_boards)


async def _report(at: Centre) -> None:
    """One more, by a person; then the report, and who may not read it."""
    request = drill_service_pb2.StartDrillRequest(request_id=new_id(), facility=COUNTY)
    for _ in range(2):
        started = await at.drills.StartDrill(request, metadata=at.hospital.as_("", Role.OPERATOR))
        assert (started.drill.centre, started.drill.scheduled) == ("STROKE", False)
    await refused(
        at.drills.StartDrill(
            drill_service_pb2.StartDrillRequest(request_id=new_id()), metadata=at.hospital.as_(COUNTY)
        ),
        grpc.StatusCode.PERMISSION_DENIED,
    )
    period = drill_service_pb2.GetDrillReportRequest()
    period.started_from.FromDatetime(datetime.now(UTC) - timedelta(days=1))
    period.started_before.FromDatetime(datetime.now(UTC) + timedelta(days=1))
    report = await at.drills.GetDrillReport(period, metadata=at.hospital.as_("", Role.OPERATOR))
    (summary,) = report.centres
    assert (summary.facility, summary.held, summary.answered, summary.missed) == (COUNTY, 2, 1, 0)
    assert summary.median_response_ms > 0
    assert len(report.drills) == 2
    for facility in ("", COUNTY):
        period.facility = facility
        stranger = await at.drills.GetDrillReport(period, metadata=at.hospital.as_(BRANCH))
        assert list(stranger.drills) == []
    assert await at.drills_of(BRANCH) == []
