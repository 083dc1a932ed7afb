"""A message and a file of channels to try channels with."""

import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services.notification.adapters.channels.channel_file import load_channels
from services.notification.application.channels import ChannelRefused, Parcel
from services.notification.domain.message import Message

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


async def refused(channel: Any, **changes: Any) -> ChannelRefused:
    with pytest.raises(ChannelRefused) as caught:
        await channel.send(parcel(**changes))
    return caught.value
