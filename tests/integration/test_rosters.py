"""Rosters and contact points against the running service: PostgreSQL, Kafka, gRPC and the program."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import grpc
from aiokafka import AIOKafkaProducer

from services.shared.kafka.cloud_events import event_headers
from services.shared.kernel.actor import Role
from tests.integration.hospital import BRANCH, COUNTY, new_id
from tests.integration.messaging import until
from tests.integration.referral_site import refused
from tests.integration.roster_site import Site, roster_file, site
from tests.stack import CreateDatabase, SharedStack
from tierlink.notification.v1 import (
    alert_pb2,
    contact_points_pb2,
    roster_service_pb2,
)
from tierlink.referral.v1 import referral_events_pb2

SECRETS = ("13900000000", "https://pager.example.org/a", "s3cret-of-the-pager")


async def test_a_roster_from_its_file_to_the_lead_who_is_told_of_a_gap(
    stack: SharedStack, database: CreateDatabase, tmp_path: Path
) -> None:
    today = datetime.now(UTC) + timedelta(hours=8)
    async with site(stack, await database(), tmp_path) as at:
        file = roster_file(tmp_path, today)
        differs = await at.run("diff", str(file))
        assert differs.exit_code == 1, differs.output
        assert "请假 dr-li" in differs.output
        applied = await at.run("apply", str(file))
        assert applied.exit_code == 0, applied.output
        assert "值班表已生效，第 1 版" in applied.output
        assert (await at.run("diff", str(file))).exit_code == 0

        async def is_told() -> bool:
            return len(await at.alerts()) == 1

        await until(is_told)
        (alert,) = await at.alerts()
        assert alert.escalation[0].recipients[0].user == "dr-chief"
        assert "12:00" in alert.body.zh and "18:00" in alert.body.en
        missing = await at.run("coverage", COUNTY)
        assert missing.exit_code == 1
        assert "dr-li" in missing.output
        assert "卒中中心 / 一线值班" in missing.output
        assert "UTC+08:00" in missing.output

        await _duties_are_listed_in_pages(at, today)
        assert (await at.run("apply", str(roster_file(tmp_path, today, substitute="dr-he")))).exit_code == 0

        async def is_settled() -> bool:
            return all(each.state == alert_pb2.ALERT_STATE_RESOLVED for each in await at.alerts())

        await until(is_settled)
        assert [each.resolution for each in await at.alerts()] == ["CoverageRestored"]
        assert (await at.run("coverage", COUNTY)).exit_code == 0

        broken = roster_file(tmp_path, today).read_text("utf-8").replace("user: dr-wu", "user: dr-li")
        (tmp_path / "broken.yaml").write_text(broken, "utf-8")
        refusal = await at.run("apply", str(tmp_path / "broken.yaml"))
        assert refusal.exit_code == 2
        assert "broken.yaml:3:5: rotations[0]" in refusal.output


async def _duties_are_listed_in_pages(at: Site, today: datetime) -> None:
    midnight = today.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(hours=8)
    request = roster_service_pb2.ListDutiesRequest(facility=COUNTY, page_size=2)
    getattr(request, "from").FromDatetime(midnight)
    request.until.FromDatetime(midnight + timedelta(days=2))
    found: list[tuple[str, str]] = []
    while True:
        page = await at.rosters.ListDuties(request, metadata=at.hospital.as_(COUNTY))
        assert len(page.slots) <= 2
        found += [(slot.post.step, slot.holder.user or f"-{slot.absent}") for slot in page.slots]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    # Today is dr-wang's; tomorrow's turn is in three parts.
    assert [user for step, user in found if step == "duty"] == ["dr-wang", "dr-li", "-dr-li", "dr-li"]

    for stranger in (at.hospital.as_(BRANCH), at.hospital.as_(BRANCH, Role.REFERRAL_OFFICE)):
        asked = roster_service_pb2.GetCoverageRequest(facility=COUNTY)
        await refused(at.rosters.GetCoverage(asked, metadata=stranger), grpc.StatusCode.PERMISSION_DENIED)


async def test_contact_points_are_read_by_those_they_are_for_and_stored_in_clear_nowhere(
    stack: SharedStack, database: CreateDatabase, tmp_path: Path
) -> None:
    async with site(stack, await database(), tmp_path) as at:
        assert (await at.run("apply", str(roster_file(tmp_path, datetime.now(UTC))))).exit_code == 0
        request = roster_service_pb2.SetContactPointsRequest(
            request_id=new_id(),
            user="dr-li",
            points=[
                {"kind": contact_points_pb2.CONTACT_KIND_SMS, "address": SECRETS[0]},
                {
                    "kind": contact_points_pb2.CONTACT_KIND_SIGNED_WEBHOOK,
                    "address": SECRETS[1],
                    "secret": SECRETS[2],
                    "quiet_hours": {"starts": "22:00", "ends": "07:00", "utc_offset_minutes": 480},
                },
            ],
        )
        first = await at.rosters.SetContactPoints(request, metadata=at.office())
        assert await at.rosters.SetContactPoints(request, metadata=at.office()) == first
        own = at.hospital.as_(COUNTY, user="dr-li")
        asked = roster_service_pb2.GetContactPointsRequest(user="dr-li")
        found = await at.rosters.GetContactPoints(asked, metadata=own)
        assert [point.address for point in found.points] == list(SECRETS[:2])
        assert [point.secret for point in found.points] == ["", ""]
        for stranger in (
            at.hospital.as_(COUNTY, user="dr-other"),
            at.hospital.as_(BRANCH, Role.REFERRAL_OFFICE),
            at.hospital.as_(COUNTY, Role.COORDINATOR),
        ):
            await refused(at.rosters.GetContactPoints(asked, metadata=stranger), grpc.StatusCode.NOT_FOUND)
        stored = await _every_row(at.dsn)
        assert "ContactPointsChanged" in stored
        assert not [each for each in SECRETS if each in stored or each.encode().hex() in stored]


async def test_a_hand_over_has_who_goes_and_comes_and_what_is_under_way(
    stack: SharedStack, database: CreateDatabase, tmp_path: Path
) -> None:
    referral = f"referrals/{new_id()}"
    async with site(stack, await database(), tmp_path) as at:
        today = datetime.now(UTC) + timedelta(hours=8)
        assert (await at.run("apply", str(roster_file(tmp_path, today)))).exit_code == 0
        await _say(stack.kafka_bootstrap, referral)
        request = roster_service_pb2.GetHandoverRequest()
        request.at.FromDatetime(today.replace(hour=23, minute=30) - timedelta(hours=8))
        found: list[Any] = []

        async def is_listed() -> bool:
            found[:] = [await at.rosters.GetHandover(request, metadata=at.hospital.as_(COUNTY))]
            return referral in {case.name for case in found[0].cases}

        await until(is_listed)
        (handover,) = found
        assert [slot.holder.user for slot in handover.goes_off] == ["dr-wang"]
        assert [slot.holder.user for slot in handover.comes_on] == ["dr-li"]
        assert {slot.holder.user for slot in handover.stays} == {"dr-wu", "dr-chief"}
        (case,) = [case for case in handover.cases if case.name == referral]
        assert (case.from_facility, case.to_facility, case.is_overdue) == (BRANCH, COUNTY, False)
        number = referral.partition("/")[2].replace("-", "")[:8].upper()
        assert f"{number} 急诊卒中 {BRANCH}→{COUNTY} 待接收" in handover.text.zh
        assert "接班：卒中中心一线值班 李医师" in handover.text.zh
        assert "Comes on: stroke centre, on duty 李医师" in handover.text.en
        asked = roster_service_pb2.GetHandoverRequest(facility=COUNTY)
        answer = at.rosters.GetHandover(asked, metadata=at.hospital.as_(BRANCH))
        await refused(answer, grpc.StatusCode.PERMISSION_DENIED)


async def _say(kafka: str, referral: str) -> None:
    """A request on the referral service's topic, as its relay puts it there."""
    now = datetime.now(UTC)
    event = referral_events_pb2.ReferralEvent(
        metadata={"aggregate_id": referral, "version": 1, "type": "ReferralRequested", "event_id": new_id()},
        origin_facility=BRANCH,
        destination_facility=COUNTY,
        pathway="PATHWAY_STROKE",
        urgency="URGENCY_EMERGENCY",
    )
    event.metadata.recorded_at.FromDatetime(now)
    event.metadata.occurred_at.FromDatetime(now)
    event.referral_requested.SetInParent()
    headers = event_headers(
        source=b"/tierlink/referral",
        event_id=event.metadata.event_id,
        type_="ReferralRequested",
        subject=referral.encode(),
        recorded_at=now,
        version=1,
        traceparent="",
    )
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    try:
        topic, value = "tierlink.referral.events.v1", event.SerializeToString()
        await producer.send_and_wait(topic, value, key=referral.encode(), headers=headers)
    finally:
        await producer.stop()


async def _every_row(dsn: str) -> str:
    """Everything that is in the database; bytes in hexadecimal."""
    connection = await asyncpg.connect(dsn)
    try:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        rows = [
            row["line"]
            for (table,) in tables
            for row in await connection.fetch(f'SELECT t::text AS line FROM "{table}" t')
        ]
        return "\n".join(rows)
    finally:
        await connection.close()
