"""From a roster and a person's own contact point, through a real event, to a message, and to silence."""

import asyncio
from base64 import b64encode
from pathlib import Path
from typing import Any

import grpc
import pytest
from aiokafka import AIOKafkaProducer

from services.shared.kernel.actor import Role
from tests.doubles.gateway import Gateway, running_gateway
from tests.integration.hospital import COUNTY, new_id
from tests.integration.messaging import until
from tests.integration.notification_site import NotificationSite, notification_site, state_of
from tests.integration.test_deliveries import publish
from tests.stack import SharedStack
from tierlink.notification.v1 import (
    alert_service_pb2,
    contact_points_pb2,
    roster_service_pb2,
    roster_service_pb2_grpc,
)

#: Where the person's own messages go, beside the gateway of the site's own channel.
PERSONAL = """
  personal:
    type: signed_webhook
    contact: SIGNED_WEBHOOK
"""


@pytest.mark.timeout(240)
async def test_who_is_on_duty_is_written_to_at_their_own_address_until_they_answer(
    stack: SharedStack, tmp_path: Path
) -> None:
    (tmp_path / "contact_keys.txt").write_text(f"own {b64encode(bytes(range(32))).decode()}\n", "ascii")
    (tmp_path / "answer.key").write_text(b64encode(bytes(range(32))).decode(), "ascii")
    settings = {
        "TIERLINK_NOTIFICATION_CONTACT_KEYS": str(tmp_path / "contact_keys.txt"),
        "TIERLINK_NOTIFICATION_ANSWER_KEY": str(tmp_path / "answer.key"),
        "TIERLINK_NOTIFICATION_ANSWER_URL": "https://board.example/answer",
    }
    referral = f"referrals/{new_id()}"
    async with (
        running_gateway() as phone,
        running_gateway() as others,
        notification_site(
            stack,
            tmp_path,
            others,
            parts="grpc,relay,consumer,deadlines,deliveries",
            kafka=stack.kafka_bootstrap,
            more_channels=PERSONAL,
            settings=settings,
        ) as site,
        AIOKafkaProducer(bootstrap_servers=stack.kafka_bootstrap) as producer,
    ):
        await applied(site, phone)
        await publish(producer, referral, times=1)
        alert = await triggered(site, referral)
        posted = (await told(phone, referral, 1))[0]
        assert posted["recipient"] == "dr-night"
        assert str(posted["link"]).startswith("https://board.example/answer/")
        (shown,) = await site.until_state(alert, "SENT")
        assert (shown.recipient, shown.channel) == ("dr-night", "personal")
        await site.acknowledge(alert, user="dr-night")

        async def is_acted() -> bool:
            return await states(site, alert) == {("dr-night", "personal"): "ACTED"}

        await until(is_acted)
        # What comes later on the same partition is handled after it: nothing of the first was waiting.
        later = f"referrals/{new_id()}"
        await publish(producer, later, times=1)
        await told(phone, later, 1)
        await asyncio.sleep(1.0)
        assert len(await told(phone, referral, 1)) == 1
        assert not [each for each in others.posted if case(referral) in each.body.decode()]


async def applied(site: NotificationSite, phone: Gateway) -> None:
    """A roster with one person on duty, and how that person is reached."""
    office = site.as_(COUNTY, Role.REFERRAL_OFFICE, user="office")
    async with grpc.aio.insecure_channel(site.process.ready.grpc) as channel:
        rosters: Any = roster_service_pb2_grpc.RosterServiceStub(channel)
        duty = {"facility": COUNTY, "role": "STROKE", "step": "duty", "user": "dr-night", "name": "夜班"}
        roster = roster_service_pb2.ApplyRosterRequest(
            request_id=new_id(),
            facility=COUNTY,
            duties=[duty],  # type: ignore[list-item]
        )
        await rosters.ApplyRoster(roster, metadata=office)
        point = {
            "kind": contact_points_pb2.CONTACT_KIND_SIGNED_WEBHOOK,
            "address": f"{phone.url}/night",
            "secret": "the-secret-of-the-telephone",
        }
        points = roster_service_pb2.SetContactPointsRequest(
            request_id=new_id(),
            user="dr-night",
            points=[point],  # type: ignore[list-item]
        )
        await rosters.SetContactPoints(points, metadata=office)


async def triggered(site: NotificationSite, referral: str) -> str:
    """The alert that calls dr-night about the referral."""
    found: list[Any] = []

    async def is_there() -> bool:
        async with site.alerts() as alerts:
            request = alert_service_pb2.ListAlertsRequest(subject=referral)
            reply = await alerts.ListAlerts(request, metadata=site.as_("", Role.OPERATOR))
        found[:] = [each for each in reply.alerts if each.facility == COUNTY and each.action]
        return bool(found)

    await until(is_there)
    (alert,) = found
    return str(alert.name)


async def told(phone: Gateway, referral: str, count: int) -> list[dict[str, object]]:
    """What was sent to the telephone about a referral, once there is so much."""

    def about() -> list[dict[str, object]]:
        return [each.json for each in phone.posted if case(referral) in each.body.decode()]

    await until(lambda: len(about()) >= count)
    return about()


async def states(site: NotificationSite, alert: str) -> dict[tuple[str, str], str]:
    return {(each.recipient, each.channel): state_of(each) for each in await site.deliveries(alert)}


def case(referral: str) -> str:
    return referral.partition("/")[2].replace("-", "")[:8].upper()
