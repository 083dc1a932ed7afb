"""Standing orders through gRPC: visits, their deadlines, and the end with the referral."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import grpc

from tests.integration.hospital import (
    BRANCH,
    COUNTY,
    OTHER,
    accept_request,
    new_id,
    referral_service,
)
from tests.integration.messaging import until
from tests.integration.referral_site import refused
from tests.integration.standing_kit import (
    WHY,
    accepted,
    day,
    get,
    give,
    listed,
    overdue,
    schedule_request,
    scheduled,
    stub,
)
from tests.stack import CreateDatabase, SharedStack
from tierlink.referral.v1 import episode_service_pb2, episode_service_pb2_grpc, referral_pb2, standing_pb2
from tierlink.referral.v1 import referral_service_pb2 as referral_pb
from tierlink.referral.v1 import standing_service_pb2 as pb

PLAN = {
    "weekdays": ["WEEKDAY_MONDAY", "WEEKDAY_WEDNESDAY", "WEEKDAY_FRIDAY"],
    "at": "14:00",
    "duration_minutes": 240,
}


async def test_visits_that_nobody_recorded_are_missed_and_alert(
    stack: SharedStack, database: CreateDatabase, tmp_path: Path
) -> None:
    dsn = await database()
    async with referral_service(tmp_path / "first", dsn=dsn) as (hospital, _):
        referral = await accepted(hospital)
        order = await scheduled(hospital, referral)
        assert len(order.visits) == 28
        found = await refused(scheduled(hospital, referral), grpc.StatusCode.FAILED_PRECONDITION)
        assert [each.type for each in found["PreconditionFailure"].violations] == ["STANDING_RUNNING"]
        await overdue(dsn, order.name, "visit:v1", "visit:v2", f"schedule:{order.scheduled_until}")
    async with referral_service(
        tmp_path / "second", dsn=dsn, kafka=stack.kafka_bootstrap, parts="grpc,relay,deadlines"
    ) as (hospital, _):

        async def two_are_missed() -> bool:
            return bool((await get(hospital, order.name)).missed_in_a_row == 2)

        await until(two_are_missed)
        connection = await asyncpg.connect(dsn)
        try:
            rows = await connection.fetch("SELECT type FROM events WHERE stream_id = $1", order.name)

            async def published() -> bool:
                return await connection.fetchval("SELECT count(*) FROM outbox") == 0

            await until(published)
        finally:
            await connection.close()
        types = [row["type"] for row in rows]
        assert (types.count("VisitMissed"), types.count("VisitsMissedInARow")) == (2, 1)
        assert types.count("VisitsScheduled") == 1


async def test_visits_are_listed_moved_and_recorded(database: CreateDatabase, tmp_path: Path) -> None:
    async with referral_service(tmp_path, dsn=await database()) as (hospital, _):
        referral = await accepted(hospital)
        order = await scheduled(hospital, referral)
        tomorrow = await listed(hospital, COUNTY, day=day(1), facility=COUNTY)
        assert [(each.standing_order, each.visit.id) for each in tomorrow] == [(order.name, "v1")]
        assert len(await listed(hospital, BRANCH, referral=referral)) == 28
        assert await listed(hospital, OTHER) == []
        assert await listed(hospital, COUNTY, day=day(1), facility=BRANCH) == []
        assert await listed(hospital, COUNTY, period=pb.VISIT_PERIOD_TODAY) == []
        await refused(get(hospital, order.name, OTHER), grpc.StatusCode.NOT_FOUND)

        soon = datetime.now(UTC) + timedelta(seconds=20)
        moved = await give(
            hospital,
            "MoveVisit",
            BRANCH,
            order.name,
            visit="v1",
            starts_at=soon,
            reason=WHY,
            asked_by="VISIT_ASKER_PATIENT",
        )
        assert moved.moved_count == 1
        site_day = (soon + timedelta(hours=8)).date().isoformat()
        (today,) = await listed(hospital, COUNTY, day=site_day, states=[standing_pb2.VISIT_STATE_SCHEDULED])
        assert (today.visit.moved_from, today.patient, today.referral) == ("v1", "P-1", referral)
        came = await give(hospital, "RecordVisit", COUNTY, order.name, visit="v29")
        assert (came.attended_count, came.missed_in_a_row) == (1, 0)
        found = await refused(
            give(hospital, "ReportMissedVisit", COUNTY, order.name, visit="v2"),
            grpc.StatusCode.FAILED_PRECONDITION,
        )
        assert [each.type for each in found["PreconditionFailure"].violations] == ["VISIT_NOT_BEGUN"]


async def test_an_order_is_over_with_its_referral_or_before_it(
    database: CreateDatabase, tmp_path: Path
) -> None:
    async with referral_service(tmp_path, dsn=await database()) as (hospital, _):
        referral = await accepted(hospital)
        request = schedule_request(referral)
        first = await stub(hospital).ScheduleStanding(request, metadata=hospital.as_(COUNTY))
        again = await stub(hospital).ScheduleStanding(request, metadata=hospital.as_(COUNTY))
        assert again == first
        name = first.standing_order.name
        shown = await hospital.referrals.GetReferral(
            referral_pb.GetReferralRequest(name=referral), metadata=hospital.as_(BRANCH)
        )
        assert shown.referral.standing_order == name
        suspended = await give(hospital, "SuspendStanding", BRANCH, name, from_on=day(2), reason=WHY)
        assert suspended.cancelled_count == 27
        resumed = await give(hospital, "ResumeStanding", COUNTY, name, from_on=day(5))
        assert [visit.day for visit in resumed.visits if visit.state == 1][:2] == [day(1), day(5)]
        ended = await give(hospital, "EndStanding", COUNTY, name, reason=WHY)
        assert ended.state == standing_pb2.STANDING_ORDER_STATE_ENDED

        second = await scheduled(hospital, referral)
        withdraw = referral_pb.WithdrawAcceptanceRequest(request_id=new_id(), name=referral, reason=WHY)
        reply = await hospital.referrals.WithdrawAcceptance(withdraw, metadata=hospital.as_(COUNTY))
        assert reply.referral.standing_order == ""
        over = await get(hospital, second.name)
        assert (over.state, over.end_reason.code) == (4, "REFERRAL_OVER")
        assert all(visit.state == standing_pb2.VISIT_STATE_CANCELLED for visit in over.visits)

        timeline = await hospital.referrals.GetTimeline(
            referral_pb.GetTimelineRequest(name=referral, whole_episode=True), metadata=hospital.as_(BRANCH)
        )
        kinds = [entry.aggregate_kind for entry in timeline.entries]
        assert kinds.count("standing_order") == 6
        texts = {entry.text.zh for entry in timeline.entries}
        assert "终止长期就诊计划" in texts
        cancel = referral_pb.CancelReferralRequest(request_id=new_id(), name=referral, reason=WHY)
        await hospital.referrals.CancelReferral(cancel, metadata=hospital.as_(BRANCH))
        episodes: Any = episode_service_pb2_grpc.EpisodeServiceStub(hospital.channel)
        await episodes.CloseEpisode(
            episode_service_pb2.CloseEpisodeRequest(request_id=new_id(), name=shown.referral.episode),
            metadata=hospital.as_(BRANCH),
        )


async def test_a_destination_accepts_and_gives_the_calendar_at_once(
    database: CreateDatabase, tmp_path: Path
) -> None:
    async with referral_service(tmp_path, dsn=await database()) as (hospital, _):
        override = {"rule": "CAPABILITY", "reason": {"code": "AGREED"}}
        referral = await hospital.create(
            pathway="PATHWAY_HEMODIALYSIS", urgency="URGENCY_ROUTINE", overrides=[override]
        )
        plan = {**PLAN, "starts_on": day(1), "ends_on": day(60)}
        wrong = accept_request(referral.name, standing_plan={**plan, "ends_on": day(-1)})
        found = await refused(
            hospital.referrals.AcceptReferral(wrong, metadata=hospital.as_(COUNTY)),
            grpc.StatusCode.INVALID_ARGUMENT,
        )
        assert [each.field for each in found["BadRequest"].field_violations] == ["standing_plan.ends_on"]
        # Nothing was accepted either.
        request = accept_request(referral.name, standing_plan=plan)
        reply = await hospital.referrals.AcceptReferral(request, metadata=hospital.as_(COUNTY))
        again = await hospital.referrals.AcceptReferral(request, metadata=hospital.as_(COUNTY))
        assert again == reply
        assert reply.referral.state == referral_pb2.REFERRAL_STATE_ACCEPTED
        order = await get(hospital, reply.referral.standing_order)
        assert (order.referral, order.facility, order.plan.at) == (referral.name, COUNTY, "14:00")
        assert 11 <= len(order.visits) <= 13
        episodes: Any = episode_service_pb2_grpc.EpisodeServiceStub(hospital.channel)
        episode = await episodes.GetEpisode(
            episode_service_pb2.GetEpisodeRequest(name=reply.referral.episode), metadata=hospital.as_(BRANCH)
        )
        assert order.name in episode.episode.members


async def test_only_a_pathway_of_many_visits_takes_a_calendar(
    database: CreateDatabase, tmp_path: Path
) -> None:
    async with referral_service(tmp_path, dsn=await database()) as (hospital, _):
        referral = await hospital.create()
        plan = {**PLAN, "starts_on": day(1), "ends_on": day(60)}
        request = accept_request(referral.name, standing_plan=plan)
        found = await refused(
            hospital.referrals.AcceptReferral(request, metadata=hospital.as_(COUNTY)),
            grpc.StatusCode.INVALID_ARGUMENT,
        )
        assert [(each.field, each.reason) for each in found["BadRequest"].field_violations] == [
            ("standing_plan", "PATHWAY_NOT_STANDING")
        ]
        shown = await hospital.referrals.GetReferral(
            referral_pb.GetReferralRequest(name=referral.name), metadata=hospital.as_(COUNTY)
        )
        assert shown.referral.state == referral_pb2.REFERRAL_STATE_REQUESTED
