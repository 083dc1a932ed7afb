"""A link from the message to the referral: three services in processes of their own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest

from services.embedded.ports import free_port
from services.operator.platform.key_folder import answer_keys, ensure_keys
from services.operator.platform.service_process import ServiceProcess
from services.shared.kernel.actor import Actor, Role
from services.shared.rpc.signing import read_signing_key, sign_token
from tests.doubles.gateway import Gateway, running_gateway
from tests.integration.hospital import COUNTY, Hospital, new_id
from tests.integration.messaging import until
from tests.integration.notification_site import NotificationSite, call_for, notification_site, state_of
from tests.integration.referral_site import refused
from tests.stack import SharedStack
from tierlink.notification.v1 import alert_pb2, alert_service_pb2, answer_service_pb2, answer_service_pb2_grpc
from tierlink.referral.v1 import referral_pb2, referral_service_pb2


@dataclass(kw_only=True)
class Platform:
    """The three of them, and whoever has the telephone."""

    notification: NotificationSite
    hospital: Hospital
    gateway: Gateway
    board: httpx.AsyncClient
    keys: Path

    async def offered(self) -> tuple[str, str]:
        """A referral that `dr-li` of the county hospital is called for: its name, and the link's path."""
        referral = (await self.hospital.create()).name
        command = call_for("dr-li")
        before = len(self.gateway.posted)
        await self.notification.trigger(command, subject=referral, dedup_key=f"OFFER/{referral}/1")
        posted = (await self.gateway.wait_for(before + 1))[-1]
        link = str(posted.json["link"])
        assert link in str(posted.json["text"])
        return referral, link.removeprefix(str(self.board.base_url).rstrip("/"))

    async def state_of(self, referral: str) -> Any:
        request = referral_service_pb2.GetReferralRequest(name=referral)
        reply = await self.hospital.referrals.GetReferral(request, metadata=self.hospital.as_(COUNTY))
        return reply.referral

    async def alerts_about(self, referral: str) -> list[Any]:
        async with self.notification.alerts() as alerts:
            reply = await alerts.ListAlerts(
                alert_service_pb2.ListAlertsRequest(subject=referral),
                metadata=self.notification.as_(COUNTY),
            )
        return list(reply.alerts)


@asynccontextmanager
async def platform(stack: SharedStack, folder: Path) -> AsyncIterator[Platform]:
    key, files = ensure_keys(folder / "keys")
    keys = answer_keys(folder / "keys")
    port = free_port()
    settings = {
        "TIERLINK_NOTIFICATION_ANSWER_URL": f"http://127.0.0.1:{port}/answer",
        "TIERLINK_NOTIFICATION_ANSWER_KEY": str(keys.links),
        "TIERLINK_NOTIFICATION_ANSWER_SIGNING_KEY": str(keys.signing),
    }
    common = {"TIERLINK_JWKS": str(files.jwks), "TIERLINK_LOG_LEVEL": "WARNING"}
    referral = ServiceProcess(
        "referral",
        folder=folder / "referral",
        environment={
            **common,
            "TIERLINK_REFERRAL_DSN": await stack.create_database(f"one_tap_{new_id()[:8]}"),
            "TIERLINK_KAFKA_BOOTSTRAP": "127.0.0.1:1",
            "TIERLINK_PARTS": "grpc",
        },
    )
    async with (
        running_gateway() as gateway,
        notification_site(stack, folder, gateway, settings=settings) as notification,
    ):
        await asyncio.to_thread(referral.start)
        board = ServiceProcess(
            "board",
            folder=folder / "board",
            environment={
                **common,
                "TIERLINK_REFERRAL_ADDRESS": referral.ready.grpc,
                "TIERLINK_NOTIFICATION_ADDRESS": notification.process.ready.grpc,
                "TIERLINK_BED_ADDRESS": "127.0.0.1:1",
                "TIERLINK_BOARD_SIGNING_KEY": str(keys.board),
                "TIERLINK_BOARD_ANSWERS_PER_MINUTE": "1000",
            },
            port=port,
        )
        await asyncio.to_thread(board.start)
        try:
            async with (
                grpc.aio.insecure_channel(referral.ready.grpc) as channel,
                httpx.AsyncClient(base_url=f"http://{board.ready.http}") as client,
            ):
                hospital = Hospital(key=key, channel=channel)
                await hospital.apply_directory()
                yield Platform(
                    notification=notification,
                    hospital=hospital,
                    gateway=gateway,
                    board=client,
                    keys=folder / "keys",
                )
        finally:
            board.stop()
            referral.stop()


@pytest.mark.timeout(240)
async def test_answers_from_the_telephone(stack: SharedStack, tmp_path: Path) -> None:
    async with platform(stack, tmp_path) as site:
        await accepts_once_as_the_person(site)
        await declines_with_a_reason(site)
        await acknowledges_and_stops_the_calls(site)
        await nobody_else_gets_in(site)


async def accepts_once_as_the_person(site: Platform) -> None:
    referral, path = await site.offered()
    # A messenger's preview, and a person who only looks.
    for method in ("HEAD", "GET", "GET"):
        assert (await site.board.request(method, path)).status_code == 200
    assert (await site.state_of(referral)).state == referral_pb2.REFERRAL_STATE_REQUESTED
    taps = await asyncio.gather(*(site.board.post(path, data={"action": "ACCEPT"}) for _ in range(2)))
    assert {tap.status_code for tap in taps} == {200}
    accepted = await site.state_of(referral)
    assert accepted.state == referral_pb2.REFERRAL_STATE_ACCEPTED
    assert accepted.accepting_clinician.user == "dr-li"
    # Nobody has acknowledged the alert: the link says that its message led to the act.
    (alert,) = await site.alerts_about(referral)
    assert [state_of(each) for each in await site.notification.deliveries(alert.name)] == ["ACTED"]
    again = await site.board.post(path, data={"action": "ACCEPT"})
    assert again.status_code == 200
    assert (await site.state_of(referral)).version == accepted.version
    # For anything else it is a link like any wrong one.
    wrong = await site.board.get("/answer/" + "A" * 35)
    other = await site.board.post(path, data={"action": "DECLINE", "reason": "NO_BED"})
    looked = await site.board.get(path)
    assert (wrong.status_code, other.status_code, looked.status_code) == (404, 404, 404)
    assert wrong.text == other.text == looked.text


async def declines_with_a_reason(site: Platform) -> None:
    referral, path = await site.offered()
    without = await site.board.post(path, data={"action": "DECLINE"})
    assert without.status_code == 400
    assert (await site.state_of(referral)).state == referral_pb2.REFERRAL_STATE_REQUESTED
    done = await site.board.post(path, data={"action": "DECLINE", "reason": "NO_SPECIALIST"})
    assert done.status_code == 200
    declined = await site.state_of(referral)
    assert declined.state == referral_pb2.REFERRAL_STATE_DECLINED
    assert declined.offers[0].reason.code == "NO_SPECIALIST"


async def acknowledges_and_stops_the_calls(site: Platform) -> None:
    referral, path = await site.offered()
    assert (await site.board.post(path, data={"action": "ACKNOWLEDGE"})).status_code == 200
    (alert,) = await site.alerts_about(referral)
    assert alert.state == alert_pb2.ALERT_STATE_ACKNOWLEDGED
    assert alert.acknowledged_by.user == "dr-li"

    async def acted() -> bool:
        return [state_of(each) for each in await site.notification.deliveries(alert.name)] == ["ACTED"]

    await until(acted)


async def nobody_else_gets_in(site: Platform) -> None:
    """The RPC is the board's alone, and the keys of programs say nothing but what they are for."""
    _, path = await site.offered()
    code = path.rpartition("/")[2]
    async with grpc.aio.insecure_channel(site.notification.process.ready.grpc) as channel:
        answers: Any = answer_service_pb2_grpc.AnswerServiceStub(channel)
        request = answer_service_pb2.GetAnswerRequest(code=code)
        for roles in ((Role.CLINICIAN,), (Role.OPERATOR,), (Role.SYSTEM,)):
            caller = site.notification.as_(COUNTY, *roles)
            await refused(answers.GetAnswer(request, metadata=caller), grpc.StatusCode.PERMISSION_DENIED)
        keys = answer_keys(site.keys)
        for path_of_key, role, lifetime_s in (
            (keys.board, Role.OPERATOR, 60),
            (keys.board, Role.BOARD, 3600),
            (keys.signing, Role.BOARD, 60),
            (keys.signing, Role.COORDINATOR, 60),
        ):
            actor = Actor(user="mallory", name="Mallory", facility=COUNTY, roles=(role,))
            token = sign_token(
                read_signing_key(path_of_key), actor, issued_at=datetime.now(UTC), lifetime_s=lifetime_s
            )
            metadata = (("authorization", f"Bearer {token}"),)
            await refused(answers.GetAnswer(request, metadata=metadata), grpc.StatusCode.UNAUTHENTICATED)
