"""Boards and drills against the running service: two processes, one outage, one drill a day."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc

from services.shared.kernel.actor import Role
from tests.integration.board_centre import Centre, centre
from tests.integration.hospital import BRANCH, COUNTY, new_id
from tests.integration.messaging import until
from tests.integration.referral_site import refused
from tests.stack import CreateDatabase, SharedStack
from tierlink.notification.v1 import (
    alert_pb2,
    alert_service_pb2,
    board_pb2,
    board_service_pb2,
    drill_pb2,
    drill_service_pb2,
)


async def test_a_silent_board_is_one_alert_until_one_is_back(
    stack: SharedStack, database: CreateDatabase, tmp_path: Path
) -> None:
    async with centre(stack, await database(), tmp_path) as at:

        async def is_live() -> bool:
            return (await at.board()).state == board_pb2.BOARD_STATE_LIVE

        async def is_lost() -> bool:
            return (await at.board()).state == board_pb2.BOARD_STATE_LOST

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
        await until(is_lost)
        await _nobody_else_learns_of_it(at)
        await _taken_down(at)


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


async def _taken_down(at: Centre) -> None:
    """Of two outages the second is ended by a person, and there is no third."""
    request = board_service_pb2.WithdrawBoardRequest(request_id=new_id(), reason={"code": "MOVED"})
    office = at.hospital.as_(COUNTY, Role.REFERRAL_OFFICE)
    for _ in range(2):
        answer = await at.boards.WithdrawBoard(request, metadata=office)
        assert answer.board.state == board_pb2.BOARD_STATE_WITHDRAWN
    assert {alert.state for alert in await at.alerts_of("NO_BOARD")} == {alert_pb2.ALERT_STATE_RESOLVED}
    assert (await at.board()).name == ""


async def test_a_telephone_of_the_facility_is_no_wall_of_its_stroke_centre(
    stack: SharedStack, database: CreateDatabase, tmp_path: Path
) -> None:
    async with centre(stack, await database(), tmp_path) as at:
        assert [each.code for each in (await at.listed()).centres] == ["STROKE"]
        # A screen for a centre that the county does not have is one of the county's, and is told so.
        unknown = board_service_pb2.ReportBoardRequest(centre="TRAUMA")
        await refused(
            at.boards.ReportBoard(unknown, metadata=at.hospital.as_(COUNTY)), grpc.StatusCode.INVALID_ARGUMENT
        )
        await until(lambda: _stands(at, "", board_pb2.BOARD_STATE_LIVE))
        assert (await at.board("STROKE")).name == (await at.board("TRAUMA")).name == ""
        await at.report("STROKE")
        await until(lambda: _stands(at, "STROKE", board_pb2.BOARD_STATE_LIVE))
        assert (await at.board()).state == board_pb2.BOARD_STATE_LIVE
        # From now on there is a telephone alone.
        await until(lambda: _stands(at, "STROKE", board_pb2.BOARD_STATE_LOST, telephone=True))
        assert (await at.board()).state == board_pb2.BOARD_STATE_LIVE
        (alert,) = await at.alerts_of("NO_BOARD")
        assert (alert.role, alert.subject) == ("STROKE", f"boards/{COUNTY}/STROKE")
        down = board_service_pb2.WithdrawBoardRequest(
            request_id=new_id(), centre="STROKE", reason={"code": "MOVED"}
        )
        answer = await at.boards.WithdrawBoard(down, metadata=at.hospital.as_(COUNTY, Role.REFERRAL_OFFICE))
        assert (answer.board.centre, answer.board.state) == ("STROKE", board_pb2.BOARD_STATE_WITHDRAWN)
        await at.report()
        assert (await at.board("STROKE")).name == ""
        assert (await at.board()).state == board_pb2.BOARD_STATE_LIVE


async def _stands(at: Centre, place: str, state: int, *, telephone: bool = False) -> bool:
    if telephone:
        await at.report()
    return bool((await at.board(place)).state == state)


async def test_a_drill_is_held_once_through_a_kill_and_its_answer_is_timed(
    stack: SharedStack, database: CreateDatabase, tmp_path: Path
) -> None:
    async with centre(stack, await database(), tmp_path, drill_in=timedelta(seconds=20)) as at:

        async def is_planned() -> bool:
            plans = "SELECT count(*) FROM streams WHERE kind = 'drill_plan'"
            return bool(await at.database.fetch_value(plans))

        await until(is_planned)
        for process in at.processes:
            process.kill()
        await asyncio.sleep(max(0.0, (at.due - datetime.now(UTC)).total_seconds() + 1))
        await asyncio.gather(*(asyncio.to_thread(process.start) for process in at.processes))

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
