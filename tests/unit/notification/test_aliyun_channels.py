"""SMS and voice against a gateway on a real socket that checks what the vendor checks."""

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from services.notification.adapters.channels.aliyun_signature import signature
from services.notification.domain.delivery import ChannelDeliveryState
from tests.doubles.gateway import Answer, Gateway, Posted, running_gateway
from tests.unit.notification.channel_kit import KEY, channels_of, parcel, refused


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
