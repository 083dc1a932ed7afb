"""What the vendor is asked about messages that it took, and what its answers mean, over a real socket."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from services.notification.application.channels import ChannelRefused, Report, SentMessage, SiteChannel
from services.notification.domain.delivery import ChannelDeliveryState
from tests.doubles.gateway import Answer, Gateway, Posted, running_gateway
from tests.unit.notification.channel_kit import KEY, channels_of

#: Half an hour past midnight in China, the day before in UTC.
SENT_AT = datetime(2026, 9, 27, 16, 30, tzinfo=UTC)
SENT = SentMessage(id=KEY, reference="900^0", address="+8613900000001", sent_at=SENT_AT, asked=2)


class Vendor:
    """Checks the signature its own way, and answers as its documentation says."""

    def __init__(self, answer: dict[str, Any], code: str = "OK") -> None:
        self.answer = {"Code": code, "Message": code, **answer}
        self.asked: list[dict[str, str]] = []

    async def respond(self, posted: Posted) -> Answer:
        form = posted.form
        given = form.pop("Signature")
        query = "&".join(f"{quote(k, safe='~')}={quote(form[k], safe='~')}" for k in sorted(form))
        signed = "POST&%2F&" + quote(query, safe="~")
        digest = hmac.new(b"the-secret&", signed.encode(), hashlib.sha1).digest()
        if base64.b64encode(digest).decode() != given:
            return Answer(status=400, body=json.dumps({"Code": "SignatureDoesNotMatch"}))
        self.asked.append(form)
        return Answer(body=json.dumps(self.answer))


def site_of(folder: Path, gateway: Gateway, kind: str) -> SiteChannel:
    more = "sign_name: X" if kind == "aliyun_sms" else ""
    text = f"""
channels:
  phone:
    type: {kind}
    contact: SMS
    endpoint: {gateway.url}/
    access_key_id: ${{TIERLINK_CHANNEL_KEY_ID}}
    access_key_secret: ${{TIERLINK_CHANNEL_KEY_SECRET}}
    templates: {{zh: TPL_1}}
    variables: {{case: case}}
    {more}
"""
    return channels_of(folder, text)["phone"]


async def asked(folder: Path, kind: str, vendor: Vendor, sent: SentMessage = SENT) -> Report | None:
    async with running_gateway(vendor.respond) as gateway:
        site = site_of(folder, gateway, kind)
        assert site.receipts is not None
        try:
            return await site.receipts.report(sent)
        finally:
            await site.channel.close()


def details(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"TotalCount": str(len(parts)), "SmsSendDetailDTOs": {"SmsSendDetailDTO": list(parts)}}


def part(status: int, out_id: str = KEY, code: str = "DELIVERED") -> dict[str, Any]:
    return {"PhoneNum": "13900000001", "SendStatus": status, "ErrCode": code, "OutId": out_id}


DELIVERED = Report(state=ChannelDeliveryState.DELIVERED)


async def test_an_sms_is_asked_for_as_the_vendor_documents_it(tmp_path: Path) -> None:
    vendor = Vendor(details(part(3)))
    assert await asked(tmp_path, "aliyun_sms", vendor) == DELIVERED
    (form,) = vendor.asked
    assert (form["Action"], form["Version"]) == ("QuerySendDetails", "2017-05-25")
    assert (form["PhoneNumber"], form["BizId"]) == ("13900000001", "900^0")
    assert form["SendDate"] == "20260928", "the vendor's day is China's"
    assert (form["PageSize"], form["CurrentPage"]) == ("20", "1")
    assert "OutId" not in form


@pytest.mark.parametrize(
    ("parts", "report"),
    [
        ([], None),
        ([part(1)], None),
        ([part(3), part(1)], None),
        ([part(3), part(3)], DELIVERED),
        ([part(3), part(2, code="MK:0001")], Report(failure="NOT_DELIVERED MK:0001")),
        ([part(3, out_id="another")], None),
        ([part(3, out_id="")], DELIVERED),
    ],
)
async def test_what_the_states_of_an_sms_mean(
    tmp_path: Path, parts: list[dict[str, Any]], report: Report | None
) -> None:
    """A long one is sent in parts: it has arrived when all of them have."""
    assert await asked(tmp_path, "aliyun_sms", Vendor(details(*parts))) == report


async def test_one_whose_answer_was_lost_is_found_by_its_own_id_alone(tmp_path: Path) -> None:
    lost = SentMessage(id=KEY, reference="", address="+8613900000001", sent_at=SENT_AT, asked=1)
    vendor = Vendor(details(part(3), part(2, out_id=""), part(2, out_id="another")))
    assert await asked(tmp_path, "aliyun_sms", vendor, lost) == DELIVERED
    assert "BizId" not in vendor.asked[0]
    assert await asked(tmp_path, "aliyun_voice", Vendor({"Data": "{}"}), lost) is None


@pytest.mark.parametrize(
    ("state", "report"),
    [
        ("200000", Report(state=ChannelDeliveryState.SEEN)),
        ("200001", Report(state=ChannelDeliveryState.SEEN)),
        ("200101", None),
        ("200102", None),
        ("200003", Report(failure="NOT_ANSWERED 200003")),
        ("200010", Report(failure="NOT_ANSWERED 200010")),
    ],
)
async def test_what_the_states_of_a_call_mean(tmp_path: Path, state: str, report: Report | None) -> None:
    vendor = Vendor({"Data": json.dumps({"state": state, "stateDesc": "", "duration": 0})})
    assert await asked(tmp_path, "aliyun_voice", vendor) == report
    (form,) = vendor.asked
    assert (form["Action"], form["CallId"]) == ("QueryCallDetailByCallId", "900^0")
    assert form["ProdId"] == "11000000300006"
    assert form["QueryDate"] == str(int(SENT_AT.timestamp() * 1000))


async def test_each_question_has_a_nonce_of_its_own(tmp_path: Path) -> None:
    vendor = Vendor(details())
    await asked(tmp_path, "aliyun_sms", vendor)
    again = SentMessage(id=KEY, reference="900^0", address="1", sent_at=SENT_AT, asked=3)
    await asked(tmp_path, "aliyun_sms", vendor, again)
    assert len({form["SignatureNonce"] for form in vendor.asked}) == 2


@pytest.mark.parametrize("data", ["no json", "[1]", '"text"'])
async def test_what_cannot_be_read_is_a_refusal_and_no_receipt(tmp_path: Path, data: str) -> None:
    with pytest.raises(ChannelRefused, match="RECEIPT_UNREADABLE"):
        await asked(tmp_path, "aliyun_voice", Vendor({"Data": data}))
    odd = Vendor({"SmsSendDetailDTOs": [data]})
    assert await asked(tmp_path, "aliyun_sms", odd) is None


async def test_a_refusal_of_the_vendor_is_told(tmp_path: Path) -> None:
    with pytest.raises(ChannelRefused, match=r"isv\.RAM_PERMISSION_DENY"):
        await asked(tmp_path, "aliyun_sms", Vendor({}, code="isv.RAM_PERMISSION_DENY"))


async def test_channels_that_report_by_themselves_are_not_asked(tmp_path: Path) -> None:
    text = "channels: {hook: {type: signed_webhook, url: 'http://127.0.0.1:1'}}"
    assert channels_of(tmp_path, text)["hook"].receipts is None
