"""Robots and mail by Apprise against a gateway on a real socket."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.notification.adapters.channels import apprise_channel
from services.notification.adapters.channels.channel_file import ChannelsFileError
from tests.doubles.gateway import Answer, in_order, running_gateway
from tests.unit.notification.channel_kit import (
    KEY,
    MESSAGE,
    channels_of,
    parcel,
    refused,
)


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
