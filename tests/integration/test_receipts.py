"""Receipts against the running service: the vendor is asked what became of what it took, and it shows."""

import json
from base64 import b64encode
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import grpc
import pytest

from services.notification.adapters.stored_receipts import StoredReceipts
from services.notification.domain.alert_state import alert_name
from services.shared.kernel.actor import Role
from tests.doubles.gateway import Answer, Posted, running_gateway
from tests.integration.hospital import new_id
from tests.integration.messaging import opened, until
from tests.integration.notification_site import NotificationSite, call_for, notification_site, state_of
from tests.stack import SharedStack
from tierlink.notification.v1 import contact_points_pb2, roster_service_pb2, roster_service_pb2_grpc

NUMBERS = {"dr-li": "13900000001", "dr-wang": "13900000002"}


class Vendor:
    """Takes what it is given, and says later what became of it: dr-wang's telephone is off."""

    def __init__(self) -> None:
        self.taken: dict[str, dict[str, str]] = {}
        self.asked: list[dict[str, str]] = []

    async def respond(self, posted: Posted) -> Answer:
        form = posted.form
        match form["Action"]:
            case "SendSms":
                self.taken[form["OutId"]] = form
                return said({"BizId": f"biz-{form['OutId']}"})
            case "SingleCallByTts":
                return said({"CallId": f"call-{form['OutId']}"})
            case "QuerySendDetails":
                self.asked.append(form)
                return said(self.details(form))
        state = "200101" if len(self.calls()) == 0 else "200001"
        self.asked.append(form)
        return said({"Data": json.dumps({"state": state})})

    def details(self, form: dict[str, str]) -> dict[str, Any]:
        times = sum(1 for each in self.asked if each.get("BizId") == form["BizId"])
        is_off = form["PhoneNumber"] == NUMBERS["dr-wang"]
        status = 1 if times == 1 else 2 if is_off else 3
        out_id = form["BizId"].removeprefix("biz-")
        part = {"SendStatus": status, "ErrCode": "MOBILE_OFF" if is_off else "DELIVERED", "OutId": out_id}
        return {"SmsSendDetailDTOs": {"SmsSendDetailDTO": [part]}}

    def calls(self) -> list[dict[str, str]]:
        return [each for each in self.asked if each["Action"] == "QueryCallDetailByCallId"]


def said(fields: dict[str, Any]) -> Answer:
    return Answer(body=json.dumps({"Code": "OK", **fields}))


def channels(url: str) -> str:
    both = f"""
    endpoint: {url}/
    access_key_id: test
    access_key_secret: ${{TIERLINK_CHANNEL_SECRET}}
    templates: {{zh: TPL_1}}
    variables: {{case: case}}"""
    return f"""
  sms:
    type: aliyun_sms
    contact: SMS
    sign_name: X{both}
  voice:
    type: aliyun_voice
    contact: VOICE{both}
"""


async def set_points(site: NotificationSite) -> None:
    async with grpc.aio.insecure_channel(site.process.ready.grpc) as channel:
        rosters: Any = roster_service_pb2_grpc.RosterServiceStub(channel)
        for user, number in NUMBERS.items():
            points: Any = [
                {"kind": kind, "address": f"+86{number}"}
                for kind in (contact_points_pb2.CONTACT_KIND_SMS, contact_points_pb2.CONTACT_KIND_VOICE)
            ]
            request = roster_service_pb2.SetContactPointsRequest(
                request_id=new_id(), user=user, points=points
            )
            await rosters.SetContactPoints(request, metadata=site.as_("", Role.OPERATOR))


def _later_than(alert: str, subject: str) -> str:
    """A key whose alert is planned after that one also where both are planned at once: by name."""
    keys = (f"TWIN{number}/{subject}" for number in count())
    return next(key for key in keys if alert_name(key, None) > alert)


@pytest.mark.timeout(240)
async def test_what_the_vendor_says_later_shows_in_the_alert(stack: SharedStack, tmp_path: Path) -> None:
    keys = tmp_path / "contact_keys.txt"
    keys.write_text(f"own {b64encode(bytes(range(32))).decode()}\n", "ascii")
    vendor = Vendor()
    async with (
        running_gateway(vendor.respond) as phones,
        running_gateway() as others,
        notification_site(
            stack,
            tmp_path,
            others,
            more_channels=channels(phones.url),
            settings={"TIERLINK_NOTIFICATION_CONTACT_KEYS": str(keys)},
        ) as site,
    ):
        await set_points(site)
        command = call_for("dr-li", "dr-wang", channels=("sms",))
        alert = await site.trigger(command)
        # About the same patient at the same moment: one message, until it is known to have reached nobody.
        twin = await site.trigger(
            call_for("dr-wang", channels=("sms",)),
            subject=command.subject,
            dedup_key=_later_than(alert, command.subject),
        )
        called = await site.trigger(call_for("dr-li", channels=("voice",)))
        await site.until_state(alert, "SENT")

        async def is_reported() -> bool:
            shown = {each.recipient: state_of(each) for each in await site.deliveries(alert)}
            return shown == {"dr-li": "DELIVERED", "dr-wang": "DEAD"}

        await until(is_reported, bound_s=90)
        shown = {each.recipient: each for each in await site.deliveries(alert)}
        assert shown["dr-li"].HasField("delivered_at")
        assert not shown["dr-li"].HasField("seen_at")
        assert shown["dr-wang"].detail == "NOT_DELIVERED MOBILE_OFF"
        await site.until_state(twin, "SENT", "DEAD")
        sent = [each["PhoneNumbers"] for each in vendor.taken.values()]
        assert sorted(sent) == [NUMBERS["dr-li"], NUMBERS["dr-wang"], NUMBERS["dr-wang"]]
        (heard,) = await site.until_state(called, "SEEN")
        assert heard.HasField("seen_at")
        # What was said once is not asked again, and a receipt takes no act away.
        await site.acknowledge(called)

        async def is_acted() -> bool:
            return [state_of(each) for each in await site.deliveries(called)] == ["ACTED"]

        await until(is_acted)
        assert len(vendor.asked) <= 12
        assert {each["SignatureNonce"] for each in vendor.asked} and len(
            {each["SignatureNonce"] for each in vendor.asked}
        ) == len(vendor.asked)


SENT_BEFORE = """
INSERT INTO deliveries (id, alert, subject, severity_rank, step, round, recipient, recipient_name, facility,
                        channel, state, called_at, sent_at, reference)
VALUES (gen_random_uuid(), 'alerts/1', '', 0, 0, 1, $1, $1, '', 'sms', 'SENT', now() - $2::interval,
        now() - $2::interval, 'biz')
"""


async def test_what_was_missed_in_an_outage_is_asked_for_once_and_what_is_old_not_at_all(
    stack: SharedStack, tmp_path: Path
) -> None:
    sent_before = {
        "now": timedelta(seconds=1),
        "soon": timedelta(seconds=15),
        "hours": timedelta(hours=2),
        "days": timedelta(days=2),
    }
    async with (
        running_gateway() as others,
        notification_site(stack, tmp_path, others, parts="grpc") as site,
        opened(site.dsn) as database,
    ):
        for recipient, before in sent_before.items():
            await database.execute(SENT_BEFORE, recipient, before)
        table = StoredReceipts(database)
        asked = {each.recipient: each.asked for each in await table.claim_receipts(("sms",), limit=9)}
        assert asked == {"soon": 1, "hours": 7}
        assert not await table.claim_receipts(("sms",), limit=9)
        assert not await table.claim_receipts(("voice",), limit=9)
