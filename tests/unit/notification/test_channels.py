"""Each channel against a gateway on a real socket that checks what a vendor checks."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from services.notification.adapters.channels import apprise_channel
from services.notification.adapters.channels.aliyun_signature import signature
from services.notification.adapters.channels.channel_file import ChannelsFileError, load_channels
from services.notification.application.channels import ChannelRefused, Parcel
from services.notification.domain.delivery import ChannelDeliveryState
from services.notification.domain.message import Message
from tests.doubles.gateway import Answer, Gateway, Posted, in_order, running_gateway

NOW = datetime(2025, 7, 4, 2, 30, tzinfo=UTC)
KEY = "1d0d8d1e-6a1f-5a3c-8f6e-3f1a0c5b7e11"
SECRET = "whsec_" + base64.b64encode(b"twenty-four bytes of key").decode()
ENVIRONMENT = {
    "TIERLINK_CHANNEL_WEBHOOK": SECRET,
    "TIERLINK_CHANNEL_KEY_ID": "LTAI-test",
    "TIERLINK_CHANNEL_KEY_SECRET": "the-secret",
    "TIERLINK_CHANNEL_ROBOT": "693axxx6-7aoc-4bc4-97a0-0ec2sifa5aaa",
    "TIERLINK_CHANNEL_TOKEN": "a" * 64,
    "TIERLINK_CHANNEL_FEISHU": "9f7b4c2e-aaaa-bbbb-cccc-0123456789ab",
}
MESSAGE = Message(
    language="zh",
    headline="急诊 卒中：转诊待接收",
    about="编号 0B9C12AB，县医院",
    countdown="剩余 2 分钟",
    link="https://board/answer/abc",
    code="abc",
    values={
        "case": "0B9C12AB",
        "urgency": "急诊",
        "pathway": "卒中",
        "facility": "县医院",
        "minutes": "2",
        "code": "abc",
    },
)


def parcel(**changes: Any) -> Parcel:
    fields: dict[str, Any] = {
        "idempotency_key": KEY,
        "refused_before": 0,
        "recipient": "dr-li",
        "address": "",
        "message": MESSAGE,
    }
    return Parcel(**{**fields, **changes})


def channels_of(folder: Path, text: str) -> Any:
    path = folder / "channels.yaml"
    path.write_text(text, encoding="utf-8")
    return load_channels(path, ENVIRONMENT, lambda: NOW)


def webhook(folder: Path, gateway: Gateway, timeout_s: float = 5.0) -> Any:
    text = f"""
channels:
  gateway:
    type: signed_webhook
    url: {gateway.url}/alerts
    secret: ${{TIERLINK_CHANNEL_WEBHOOK}}
    timeout_s: {timeout_s}
"""
    return channels_of(folder, text)["gateway"].channel


async def refused(channel: Any, **changes: Any) -> ChannelRefused:
    with pytest.raises(ChannelRefused) as caught:
        await channel.send(parcel(**changes))
    return caught.value


# ---- the signed webhook


def signed_rightly(posted: Posted) -> bool:
    """As a receiver checks it: https://www.standardwebhooks.com, version 1."""
    headers = posted.headers
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + posted.body
    expected = hmac.new(b"twenty-four bytes of key", content, hashlib.sha256).digest()
    return headers["webhook-signature"] == "v1," + base64.b64encode(expected).decode()


async def test_a_webhook_is_signed_dated_and_numbered(tmp_path: Path) -> None:
    async with running_gateway() as gateway:
        channel = webhook(tmp_path, gateway)
        receipt = await channel.send(parcel())
        await channel.close()
        (posted,) = gateway.posted
    assert signed_rightly(posted)
    assert posted.headers["idempotency-key"] == posted.headers["webhook-id"] == KEY
    assert posted.headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert posted.json["text"] == MESSAGE.text
    assert receipt.state is ChannelDeliveryState.SENT


@pytest.mark.parametrize(
    ("said", "state"),
    [("delivered", ChannelDeliveryState.DELIVERED), ("seen", ChannelDeliveryState.SEEN)],
)
async def test_a_webhook_may_say_how_far_it_came(
    tmp_path: Path, said: str, state: ChannelDeliveryState
) -> None:
    answer = Answer(body=json.dumps({"state": said, "reference": "m-1"}))
    async with running_gateway(in_order(answer)) as gateway:
        channel = webhook(tmp_path, gateway)
        receipt = await channel.send(parcel())
        await channel.close()
    assert (receipt.state, receipt.reference) == (state, "m-1")


@pytest.mark.parametrize(
    ("status", "is_final", "is_unknown"),
    [(500, False, True), (429, False, False), (400, True, False), (302, False, False)],
)
async def test_a_webhooks_refusals_are_told_apart(
    tmp_path: Path, status: int, is_final: bool, is_unknown: bool
) -> None:
    async with running_gateway(in_order(Answer(status=status))) as gateway:
        channel = webhook(tmp_path, gateway)
        refusal = await refused(channel)
        await channel.close()
    assert (refusal.is_final, refusal.is_unknown) == (is_final, is_unknown)


async def test_no_connection_is_certain_and_a_broken_one_is_not(tmp_path: Path) -> None:
    async with running_gateway(in_order(Answer(hang=True))) as gateway:
        channel = webhook(tmp_path, gateway, timeout_s=1.5)
        assert (await refused(channel)).is_unknown
        await channel.close()
        lost = webhook(tmp_path, Gateway(respond=gateway.respond, url="http://127.0.0.1:1"))
        assert not (await refused(lost)).is_unknown
        await lost.close()


# ---- SMS and voice


def test_the_signature_is_that_of_the_vendors_own_example() -> None:
    example = {
        "AccessKeyId": "testId",
        "Timestamp": "2017-07-12T02:42:19Z",
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": "45e25e9b-0a6f-4070-8c85-2956eda1b466",
        "Format": "XML",
        "Action": "SendSms",
        "Version": "2017-05-25",
        "RegionId": "cn-hangzhou",
        "PhoneNumbers": "15300000001",
        "SignName": "阿里云短信测试专用",
        "TemplateParam": '{"customer":"test"}',
        "TemplateCode": "SMS_71390007",
        "OutId": "123",
    }
    assert signature(example, "testSecret", method="GET") == "zJDF+Lrzhj/ThnlvIToysFRq6t4="


class Vendor:
    """Checks the signature its own way, and takes no nonce twice."""

    def __init__(self) -> None:
        self.nonces: set[str] = set()
        #: what came through: number and content
        self.taken: list[dict[str, str]] = []
        self.code = "OK"
        self.answers = True

    async def respond(self, posted: Posted) -> Answer:
        form = posted.form
        given = form.pop("Signature")
        query = "&".join(f"{quote(k, safe='~')}={quote(form[k], safe='~')}" for k in sorted(form))
        signed = "POST&%2F&" + quote(query, safe="~")
        digest = hmac.new(b"the-secret&", signed.encode(), hashlib.sha1).digest()
        if base64.b64encode(digest).decode() != given:
            return Answer(status=400, body=json.dumps({"Code": "SignatureDoesNotMatch"}))
        if form["SignatureNonce"] in self.nonces:
            return Answer(status=400, body=json.dumps({"Code": "SignatureNonceUsed"}))
        self.nonces.add(form["SignatureNonce"])
        if self.code != "OK":
            return Answer(body=json.dumps({"Code": self.code, "Message": "no"}))
        self.taken.append(form)
        body = json.dumps({"Code": "OK", "BizId": "900^0", "CallId": "116^1"})
        return Answer(body=body, hang=not self.answers)


def aliyun(folder: Path, gateway: Gateway, kind: str, more: str, timeout_s: float = 5.0) -> Any:
    text = f"""
channels:
  phone:
    type: {kind}
    contact: SMS
    endpoint: {gateway.url}/
    access_key_id: ${{TIERLINK_CHANNEL_KEY_ID}}
    access_key_secret: ${{TIERLINK_CHANNEL_KEY_SECRET}}
    templates: {{zh: TPL_1, en: TPL_2}}
    variables: {{case: case, hospital: facility, code: code}}
    timeout_s: {timeout_s}
    {more}
"""
    return channels_of(folder, text)["phone"].channel


async def test_an_sms_is_the_vendors_request(tmp_path: Path) -> None:
    vendor = Vendor()
    async with running_gateway(vendor.respond) as gateway:
        channel = aliyun(tmp_path, gateway, "aliyun_sms", "sign_name: 县域医共体")
        receipt = await channel.send(parcel(address="+8613900000001"))
        await channel.close()
    (form,) = vendor.taken
    assert receipt.reference == "900^0"
    assert form["Action"] == "SendSms"
    assert form["PhoneNumbers"] == "13900000001"
    assert form["SignName"] == "县域医共体"
    assert form["TemplateCode"] == "TPL_1"
    assert form["OutId"] == KEY
    assert json.loads(form["TemplateParam"]) == {"case": "0B9C12AB", "hospital": "县医院", "code": "abc"}


async def test_a_call_is_the_vendors_request(tmp_path: Path) -> None:
    vendor = Vendor()
    async with running_gateway(vendor.respond) as gateway:
        channel = aliyun(tmp_path, gateway, "aliyun_voice", "show_number: '057100000000'")
        receipt = await channel.send(parcel(address="+8613900000001"))
        await channel.close()
    (form,) = vendor.taken
    assert receipt.reference == "116^1"
    assert (form["Action"], form["CalledNumber"]) == ("SingleCallByTts", "13900000001")
    assert (form["TtsCode"], form["CalledShowNumber"]) == ("TPL_1", "057100000000")
    assert "TtsParam" in form


async def test_an_sms_whose_answer_was_lost_is_not_sent_twice(tmp_path: Path) -> None:
    vendor = Vendor()
    vendor.answers = False
    async with running_gateway(vendor.respond) as gateway:
        channel = aliyun(tmp_path, gateway, "aliyun_sms", "sign_name: X", timeout_s=1.5)
        assert (await refused(channel, address="+8613900000001")).is_unknown
        vendor.answers = True
        receipt = await channel.send(parcel(address="+8613900000001"))
        await channel.close()
    assert len(vendor.taken) == 1
    assert receipt.state is ChannelDeliveryState.SENT


async def test_an_sms_that_was_refused_for_certain_is_a_new_one_the_next_time(tmp_path: Path) -> None:
    vendor = Vendor()
    vendor.code = "isv.BUSINESS_LIMIT_CONTROL"
    async with running_gateway(vendor.respond) as gateway:
        channel = aliyun(tmp_path, gateway, "aliyun_sms", "sign_name: X")
        refusal = await refused(channel, address="+8613900000001")
        assert not refusal.is_unknown
        assert not refusal.is_final
        vendor.code = "OK"
        await channel.send(parcel(address="+8613900000001", refused_before=1))
        await channel.close()
    assert len(vendor.taken) == 1


async def test_a_wrong_number_is_nobodys_fault_but_its_owners(tmp_path: Path) -> None:
    vendor = Vendor()
    vendor.code = "isv.MOBILE_NUMBER_ILLEGAL"
    async with running_gateway(vendor.respond) as gateway:
        channel = aliyun(tmp_path, gateway, "aliyun_sms", "sign_name: X")
        refusal = await refused(channel, address="12")
        await channel.close()
    assert refusal.is_final
    assert refusal.is_recipients


# ---- by Apprise


def by_apprise(folder: Path, url: str, more: str = "") -> Any:
    return channels_of(folder, f"channels: {{robot: {{type: apprise, url: '{url}', {more}}}}}")[
        "robot"
    ].channel


async def test_a_json_webhook_by_apprise_has_the_key(tmp_path: Path) -> None:
    async with running_gateway() as gateway:
        channel = by_apprise(tmp_path, gateway.url.replace("http", "json") + "/in")
        await channel.send(parcel())
        await channel.close()
        (posted,) = gateway.posted
    assert posted.headers["idempotency-key"] == KEY
    assert posted.json["title"] == MESSAGE.headline
    assert MESSAGE.link in str(posted.json["message"])


ROBOTS = [
    ("wecombot", "${TIERLINK_CHANNEL_ROBOT}", "NotifyWeComBot", "/send?key={key}"),
    ("dingtalk", "${TIERLINK_CHANNEL_TOKEN}", "NotifyDingTalk", "/robot/{token}"),
    ("feishu", "${TIERLINK_CHANNEL_FEISHU}", "NotifyFeishu", "/hook/{token}/"),
]


@pytest.mark.parametrize("robot", ROBOTS, ids=[robot[0] for robot in ROBOTS])
async def test_a_robot_takes_the_message_or_says_why_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, robot: tuple[str, str, str, str]
) -> None:
    """The messengers answer 200 to a wrong key: what they say is in the body."""
    module, key, plugin, path = robot
    code = "code" if module == "feishu" else "errcode"
    answers = in_order(Answer(body=json.dumps({code: 0})), Answer(body=json.dumps({code: 93000})))
    async with running_gateway(answers) as gateway:
        found = __import__(f"apprise.plugins.{module}", fromlist=[plugin])
        monkeypatch.setattr(getattr(found, plugin), "notify_url", gateway.url + path)
        channel = by_apprise(tmp_path, f"{module}://{key}")
        await channel.send(parcel())
        refusal = await refused(channel)
        await channel.close()
        first = gateway.posted[0]
    for line in MESSAGE.lines:
        assert line in json.dumps(first.json, ensure_ascii=False)
    assert refusal.detail == "REFUSED 93000"


async def test_a_mail_goes_to_the_persons_own_address(tmp_path: Path) -> None:
    received: list[str] = []
    server = await asyncio.start_server(smtp(received.append), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    url = f"mailto://127.0.0.1:{port}?mode=insecure&from=alerts@hospital.example&to={{address}}"
    channel = by_apprise(tmp_path, url, "contact: MAIL")
    await channel.send(parcel(address="dr.li@hospital.example"))
    await channel.close()
    server.close()
    await server.wait_closed()
    assert "rcpt to:<dr.li@hospital.example>" in received[0].lower()
    assert " 0B9C12AB" in received[0]
    assert MESSAGE.link in received[0]


def smtp(received: Callable[[str], None]) -> Any:
    """The least of RFC 5321 that a mail needs."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines: list[str] = []
        writer.write(b"220 ready\r\n")
        in_data = False
        while line := (await reader.readline()).decode().rstrip("\r\n") or "\n":
            if reader.at_eof():
                break
            lines.append(line)
            if in_data and line == ".":
                in_data = False
                writer.write(b"250 taken\r\n")
            elif in_data:
                continue
            elif line.upper() == "DATA":
                in_data = True
                writer.write(b"354 go on\r\n")
            elif line.upper() == "QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 fine\r\n")
            await writer.drain()
        received("\n".join(lines))
        writer.close()

    return serve


async def test_without_the_package_the_site_is_told_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apprise_channel, "_PACKAGE", "no_such_package")
    with pytest.raises(ChannelsFileError, match="install the package apprise"):
        by_apprise(tmp_path, "json://127.0.0.1/in")


# ---- the file


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("channels: {a: {type: signed_webhook, url: 'http://x', secret: plain}}", "must come from"),
        ("channels: {a: {type: apprise, url: 'wecombot://693axxx6'}}", "must come from"),
        ("channels: {a: {type: apprise, url: 'json://u:secret@host/'}}", "password must come from"),
        ("channels: {a: {type: apprise, url: 'json://${PATH}/'}}", "not a channel's variable"),
        ("channels: {a: {type: apprise, url: 'json://${TIERLINK_CHANNEL_NONE}/'}}", "environment has no"),
        ("channels: {a: {type: apprise, url: 'nosuchscheme://x'}}", "does not understand"),
        ("channels: {a: {type: apprise, url: 'mailto://x?to={address}'}}", "kind of contact point"),
        ("channels: {stream: {type: signed_webhook, url: 'http://x'}}", "name is taken"),
        ("channels: {a: {type: signed_webhook, url: 'http://x', timout_s: 1}}", "timout_s"),
        ("channels: {a: {type: signed_webhook}}", "url is empty"),
        ("channels: {a: {type: pigeon}}", "pigeon"),
        ("- no", "object"),
    ],
)
def test_a_faulty_file_is_refused_with_its_fault(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(ChannelsFileError, match=fault):
        channels_of(tmp_path, text)


def test_no_secret_shows_in_what_is_logged() -> None:
    shown = repr(parcel(address="+8613900000001", secret="s3cret"))
    assert "1390000" not in shown
    assert "s3cret" not in shown
