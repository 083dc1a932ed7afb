"""`tierlink events` on a running service's topics."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer

from services.embedded.databases import drop_database
from services.notification.adapters.aggregate_codecs import ALERT_TOPIC
from services.referral.adapters.aggregate_codecs import REFERRAL_TOPIC
from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.topics import TopicSpec, ensure_topics
from tests.integration.hospital import BRANCH, COUNTY, Hospital, accept_request, new_id, referral_service
from tests.integration.messaging import until
from tests.stack import SharedStack

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hospital(stack: SharedStack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hospital]:
    dsn = await stack.create_database(f"events_{new_id()[:8]}")
    folder = tmp_path_factory.mktemp("events")
    async with referral_service(folder, dsn=dsn, kafka=stack.kafka_bootstrap, parts="grpc,relay") as (
        found,
        _,
    ):
        yield found
    await drop_database(stack.postgres_dsn, dsn.rsplit("/", 1)[1])


async def events(stack: SharedStack, *arguments: str) -> tuple[int, list[Any], str]:
    """Exit code, the documents printed, and what was said beside them."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.operator", "events", *arguments),
        *("--kafka", stack.kafka_bootstrap, "--output", "jsonl"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, [json.loads(line) for line in out.splitlines()], err.decode()


async def accepted(hospital: Hospital) -> str:
    referral = await hospital.create(patient=f"P-{new_id()[:8]}")
    await hospital.referrals.AcceptReferral(accept_request(referral.name), metadata=hospital.as_(COUNTY))
    return str(referral.name)


async def test_one_referrals_events_are_shown_in_order(hospital: Hospital, stack: SharedStack) -> None:
    name, other = await accepted(hospital), await accepted(hospital)
    found: list[Any] = []

    async def all_out() -> bool:
        nonlocal found
        _, found, _ = await events(stack, "show", "referral", "--from", "15m", "--aggregate", name)
        return len(found) >= 2

    await until(all_out)
    assert [(each["version"], each["type"]) for each in found] == [
        (1, "ReferralRequested"),
        (2, "ReferralAccepted"),
    ]
    assert found[0]["message"]["metadata"]["actor"]["facility"] == BRANCH
    episode = found[0]["message"]["referral_requested"]["episode"]
    code, both, said = await events(stack, "show", "--episode", episode, "--from", "15m")
    assert code == 0
    assert {each["topic"] for each in both} == {REFERRAL_TOPIC, "tierlink.episode.events.v1"}
    assert str(len(both)) in said
    code, some, said = await events(
        stack,
        "show",
        "referral",
        "--from",
        "15m",
        "--type",
        "ReferralAccepted",
        "--facility",
        COUNTY,
        "--max",
        "1",
    )
    assert (code, len(some)) == (0, 1)
    assert some[0]["type"] == "ReferralAccepted"
    _, latest, _ = await events(stack, "tail", "referral", "--aggregate", other, "-n", "1", "--no-follow")
    assert [each["version"] for each in latest] == [2]


async def test_a_record_that_is_none_of_ours_is_shown_with_its_fault(
    hospital: Hospital, stack: SharedStack
) -> None:
    # Among alerts: the run's other tests read the referrals' topic from its start, and find no fault in it.
    await ensure_topics(KafkaAddress(bootstrap=stack.kafka_bootstrap), [TopicSpec(name=ALERT_TOPIC)])
    producer = AIOKafkaProducer(bootstrap_servers=stack.kafka_bootstrap)
    await producer.start()
    key = f"nonsense-{new_id()}"
    try:
        sent = await producer.send_and_wait(ALERT_TOPIC, b"\xff", key=key.encode())
    finally:
        await producer.stop()
    place = ("--partition", str(sent.partition), "--offset", str(sent.offset))
    code, found, _ = await events(stack, "show", "notification", *place, "--offset-to", str(sent.offset + 1))
    assert code == 0
    assert [(each["aggregate"], each["fault"]) for each in found] == [(key, "no header ce_specversion")]


async def test_what_cannot_be_shown_ends_with_2(hospital: Hospital, stack: SharedStack) -> None:
    for arguments, said in (
        (("show", "beds"), "beds"),
        (("show", "referral", "--from", "yesterday"), "yesterday"),
    ):
        code, found, error = await events(stack, *arguments)
        assert (code, found) == (2, [])
        assert said in error
