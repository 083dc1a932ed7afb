"""The doctor at a whole platform of its own: all green, then what is broken is red and says what to do."""

import asyncio
import json
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer

from services.embedded.kafka import KafkaServer
from services.operator.platform.given import Given
from services.operator.platform.platform import Platform, PlatformSettings, running_platform
from services.operator.rpc.people import OPERATOR
from services.shared.kafka.cloud_events import event_headers
from services.shared.rpc.channels import SERVICES
from services.shared.rpc.signing import sign_token
from tests.integration.messaging import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

_BED_TOPIC = "tierlink.bed.events.v1"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def platform() -> AsyncIterator[Platform]:
    given = Given(kafka_bootstrap=None, dsns=dict.fromkeys(SERVICES))
    async with running_platform(PlatformSettings(given=given)) as running:
        yield running


async def test_all_is_green_and_a_poison_record_is_not(platform: Platform) -> None:
    async def green() -> bool:
        return (await _doctor(platform))[0] == 0

    # A group has a place in a partition once its first member has come.
    await until(green, bound_s=60)
    code, document = await _doctor(platform)
    assert (code, document["level"]) == (0, "GREEN")
    areas = {line["area"] for line in document["lines"]}
    assert areas == {"kafka", "services", *SERVICES}
    assert {"tierlink-bed", _BED_TOPIC} <= {line["subject"] for line in document["lines"]}

    await _poison(platform)

    async def red() -> bool:
        return {"parked", "letters"} <= (await _findings(platform))["referral"]

    await until(red, bound_s=30)
    code, document = await _doctor(platform)
    assert (code, document["level"]) == (1, "RED")
    assert "dlq" in next(line for line in document["lines"] if line["finding"] == "letters")["to_do"]["en"]
    assert (await _findings(platform))["bed"] == set(), "the others are not blamed"
    await _stays(platform)


async def _stays(platform: Platform) -> None:
    """One that goes on looking shows the same as metrics, until it is told to end."""
    process = await asyncio.create_subprocess_exec(
        *_command(platform, "--metrics", "127.0.0.1:0"), stderr=asyncio.subprocess.PIPE
    )
    try:
        assert process.stderr is not None
        said = (await asyncio.wait_for(process.stderr.readline(), 30)).decode()
        found = re.search(r"http://127\.0\.0\.1:\d+", said)
        assert found, said
        async with httpx.AsyncClient(base_url=found[0]) as client:

            async def has_looked() -> bool:
                return (await client.get("/readyz")).status_code == 200

            await until(has_looked, bound_s=60)
            shown = (await client.get("/metrics")).text
        series = 'tierlink_doctor_line_level{{area="{}",finding="{}",subject="{}"}} {}.0'
        assert series.format("referral", "parked", "", 2) in shown
        assert series.format("kafka", "topic_good", _BED_TOPIC, 0) in shown
        assert re.search(r'line_figure\{[^}]*figure="lag"[^}]*subject="tierlink-bed"\} 0\.0', shown)
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 30) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_process_that_stands_still_holds_nobody_up(platform: Platform) -> None:
    process = platform.services["bed"]
    os.kill(process.pid, signal.SIGSTOP)
    try:
        begun_s = time.monotonic()
        findings = await _findings(platform)
        assert time.monotonic() - begun_s < 40
    finally:
        os.kill(process.pid, signal.SIGCONT)
    assert findings["bed"] == {"service_unreachable"}


async def test_nobody_there_is_not_usable(platform: Platform) -> None:
    nowhere = ["127.0.0.1:9"] * 3
    code, document = await _doctor(platform, addresses=nowhere, kafka="127.0.0.1:9")
    assert code == 2
    assert {line["finding"] for line in document["lines"]} == {"kafka_unreachable", "service_unreachable"}


async def _findings(platform: Platform) -> dict[str, set[str]]:
    """What is not green, by area."""
    _, document = await _doctor(platform)
    found: dict[str, set[str]] = {area: set() for area in ("kafka", "services", *SERVICES)}
    for line in document["lines"]:
        if line["level"] != "GREEN":
            found[line["area"]].add(line["finding"])
    return found


async def _doctor(
    platform: Platform, *, addresses: list[str] | None = None, kafka: str = ""
) -> tuple[int, Any]:
    process = await asyncio.create_subprocess_exec(
        *_command(platform, "--output", "json", addresses=addresses, kafka=kafka),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await process.communicate()
    assert out, errors.decode()
    return process.returncode or 0, json.loads(out)


def _command(
    platform: Platform, *more: str, addresses: list[str] | None = None, kafka: str = ""
) -> tuple[str, ...]:
    token = sign_token(platform.key, OPERATOR, issued_at=datetime.now(UTC), lifetime_s=600)
    where = addresses or [platform.addresses.of(name) for name in SERVICES]
    options = [part for name, at in zip(SERVICES, where, strict=True) for part in (f"--{name}", at)]
    known = ("--token", token, "--kafka", kafka or _kafka(platform))
    return (sys.executable, "-m", "services.operator", "doctor", *options, *known, *more)


def _kafka(platform: Platform) -> str:
    server = platform.servers["kafka"]
    assert isinstance(server, KafkaServer)
    return server.bootstrap


async def _poison(platform: Platform) -> None:
    """A bed event that nobody can read."""
    key = f"wards/poison-{uuid4()}".encode()
    headers = event_headers(
        source=b"/tierlink/bed",
        event_id=str(uuid4()),
        type_="BedHeld",
        subject=key,
        recorded_at=datetime.now(UTC),
        version=1,
        traceparent="",
    )
    producer = AIOKafkaProducer(bootstrap_servers=_kafka(platform))
    await producer.start()
    try:
        await producer.send_and_wait(_BED_TOPIC, b"\xff\xff", key=key, headers=headers)
    finally:
        await producer.stop()
