"""The signed webhook against a gateway on a real socket that checks what a receiver checks."""

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest

from services.notification.domain.delivery import ChannelDeliveryState
from tests.doubles.gateway import Answer, Gateway, Posted, in_order, running_gateway
from tests.unit.notification.channel_kit import KEY, MESSAGE, NOW, channels_of, parcel, refused


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
