"""Where a patient may go, as a hospital asks it, with the bed service's counts, then and at a decline."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
import pytest_asyncio

from services.embedded.databases import drop_database
from services.referral.entrypoints.bed_news import BED_TOPIC
from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.topics import TopicSpec, ensure_topics
from services.shared.kernel.actor import Role
from tests.integration.hospital import BRANCH, CITY, COUNTY, accept_request, new_id, referral_service
from tests.integration.messaging import until
from tests.integration.referral_site import Site, refused
from tests.integration.ward_news import say
from tests.stack import SharedStack
from tierlink.referral.v1 import referral_events_pb2, referral_pb2
from tierlink.referral.v1 import referral_service_pb2 as pb

pytestmark = pytest.mark.asyncio(loop_scope="module")

WARD = f"jg-stroke-{new_id()[:8]}"
LATELY = datetime.now(UTC) - timedelta(minutes=20)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(stack: SharedStack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """A referral service that follows the bed service's topic."""
    dsn = await stack.create_database(f"routing_{new_id()[:8]}")
    await ensure_topics(KafkaAddress(bootstrap=stack.kafka_bootstrap), [TopicSpec(name=BED_TOPIC)])
    folder = tmp_path_factory.mktemp("referral")
    async with referral_service(folder, dsn=dsn, kafka=stack.kafka_bootstrap, parts="grpc,consumer") as (
        hospital,
        _,
    ):
        # The city hospital lies outside the county.
        await hospital.apply_directory(city_region="652300")
        yield Site(hospital, dsn)
    await drop_database(stack.postgres_dsn, dsn.rsplit("/", 1)[1])


async def the_ward_says(stack: SharedStack, version: int, payload: str, *, free: int) -> None:
    await say(
        stack.kafka_bootstrap,
        WARD,
        version,
        payload,
        counts={"beds": 4, "free": free, "occupied": 4 - free},
        facility=COUNTY,
        bed_type="BED_TYPE_STROKE_UNIT",
        confirmed_at=LATELY,
    )


async def explained(site: Site, **fields: Any) -> Any:
    request = pb.ExplainReferralRequest(
        urgency="URGENCY_EMERGENCY",
        pathway="PATHWAY_STROKE",
        consent={"recorded": True},
        **fields,
    )
    reply = await site.hospital.referrals.ExplainReferral(request, metadata=site.hospital.as_(BRANCH))
    return {each.facility: each for each in reply.destinations}


async def free(site: Site) -> int | None:
    """Free stroke beds of the county hospital, as the explanation shows them."""
    beds = (await explained(site))[COUNTY].free_beds
    return beds[0].free if beds else None


async def test_free_beds_follow_the_bed_service_and_stand_beside_a_decline(
    site: Site, stack: SharedStack
) -> None:
    assert await free(site) is None
    await the_ward_says(stack, 1, "ward_applied", free=4)
    await the_ward_says(stack, 2, "bed_occupied", free=1)

    async def one_is_free() -> bool:
        return await free(site) == 1

    await until(one_is_free)
    (beds,) = (await explained(site, destinations=[COUNTY]))[COUNTY].free_beds
    assert (beds.free, beds.beds, beds.stale) == (1, 4, False)
    assert abs(beds.age_s - (datetime.now(UTC) - LATELY).total_seconds()) < 60
    assert beds.moved_at.ToDatetime(tzinfo=UTC) > LATELY

    hospital = site.hospital
    referral = await hospital.create(bed_type="BED_TYPE_STROKE_UNIT")
    decline = pb.DeclineReferralRequest(
        request_id=new_id(), name=referral.name, reason={"code": "NO_BED", "text": "已留给手术患者"}
    )
    reply = await hospital.referrals.DeclineReferral(decline, metadata=hospital.as_(COUNTY))
    (then,) = reply.referral.offers[0].free_beds
    assert (then.free, then.beds, then.stale) == (1, 4, False)
    timeline = await hospital.referrals.GetTimeline(
        pb.GetTimelineRequest(name=referral.name), metadata=hospital.as_(BRANCH)
    )
    event = referral_events_pb2.ReferralEvent.FromString(timeline.entries[-1].payload)
    assert list(event.offer_declined.free_beds) == [then]


async def test_destinations_are_ranked_with_their_desks(site: Site) -> None:
    request = pb.ExplainReferralRequest(
        urgency="URGENCY_EMERGENCY", pathway="PATHWAY_STROKE", consent={"recorded": True}
    )
    reply = await site.hospital.referrals.ExplainReferral(request, metadata=site.hospital.as_(BRANCH))
    county, city = reply.destinations
    assert (county.facility, county.allowed, county.travel_minutes) == (COUNTY, True, 60)
    assert (city.facility, city.allowed, city.allowed_in_order) == (CITY, False, True)
    assert not city.HasField("travel_minutes")
    first = county.alerts[0]
    assert (first.event, first.facility, list(first.roles)) == ("ReferralRequested", COUNTY, ["clinician"])
    assert first.centre == "STROKE"


async def test_the_wait_is_told_by_enough_acceptances_and_not_before(site: Site) -> None:
    assert not (await explained(site))[COUNTY].HasField("expected_wait")
    hospital = site.hospital

    async def referred_and_accepted(number: int) -> None:
        referral = await hospital.create(patient=f"P-wait-{number}")
        await hospital.referrals.AcceptReferral(accept_request(referral.name), metadata=hospital.as_(COUNTY))

    await asyncio.gather(*(referred_and_accepted(number) for number in range(12)))
    wait = (await explained(site))[COUNTY].expected_wait
    # Two of them may share a place of the bounded projection.
    assert 5 <= wait.cases <= 12
    assert wait.median_s < 60
    assert not (await explained(site))[CITY].HasField("expected_wait")


async def test_an_emergency_that_left_the_county_is_reviewed_afterwards(site: Site) -> None:
    hospital = site.hospital
    override = {"rule": "NEAREST_CAPABLE", "reason": {"code": "NO_BED"}}
    referral = await hospital.create(destinations=[CITY], overrides=[override])
    assert not referral.HasField("review")
    reply = await hospital.referrals.AcceptReferral(
        accept_request(referral.name), metadata=hospital.as_(CITY)
    )
    pending = reply.referral.review
    assert (pending.state, pending.facility) == (referral_pb2.REVIEW_STATE_PENDING, COUNTY)
    left = pending.due_at.ToDatetime(tzinfo=UTC) - datetime.now(UTC)
    assert timedelta(hours=71) < left <= timedelta(hours=72)
    assert "ReviewReferral" in reply.referral.allowed_commands
    request = pb.ReviewReferralRequest(
        request_id=new_id(),
        name=referral.name,
        verdict="REVIEW_VERDICT_JUSTIFIED",
        reason={"code": "COUNTY_FULL"},
    )
    await refused(
        hospital.referrals.ReviewReferral(request, metadata=hospital.as_(CITY, Role.REFERRAL_OFFICE)),
        grpc.StatusCode.PERMISSION_DENIED,
    )
    reply = await hospital.referrals.ReviewReferral(
        request, metadata=hospital.as_(COUNTY, Role.REFERRAL_OFFICE, user="office-1")
    )
    done = reply.referral.review
    assert (done.state, done.verdict, done.reviewed_by) == (
        referral_pb2.REVIEW_STATE_DONE,
        referral_pb2.REVIEW_VERDICT_JUSTIFIED,
        "office-1",
    )
    checked = await hospital.referrals.VerifyTimeline(
        pb.VerifyTimelineRequest(name=referral.name), metadata=hospital.as_(BRANCH)
    )
    assert checked.intact
