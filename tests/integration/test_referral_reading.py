"""Lists, views and verification of the referral service."""

from datetime import UTC, timedelta
from typing import Any

import asyncpg
import grpc
import pytest

from services.referral.adapters.view_retention import ViewRetention
from services.shared.database.pool import Database
from services.shared.kernel.actor import Role
from services.shared.rpc.paging import list_digest, page_token
from tests.integration.hospital import (
    BRANCH,
    COUNTY,
    OTHER,
    Hospital,
    accept_request,
    create_request,
    new_id,
)
from tests.integration.referral_site import Site, refused, site
from tierlink.referral.v1 import episode_service_pb2, referral_pb2
from tierlink.referral.v1 import referral_service_pb2 as pb

__all__ = ["site"]

pytestmark = pytest.mark.asyncio(loop_scope="module")

State = referral_pb2.ReferralState


async def test_lists_and_pages_show_what_a_facility_takes_part_in(site: Site) -> None:
    hospital = site.hospital
    names = [(await hospital.create(patient="P-lists")).name for _ in range(5)]
    seen: list[str] = []
    token = ""
    while True:
        page = await hospital.referrals.ListReferrals(
            pb.ListReferralsRequest(
                page_size=2,
                page_token=token,
                patient="P-lists",
                states=[State.REFERRAL_STATE_REQUESTED],
            ),
            metadata=hospital.as_(COUNTY),
        )
        seen.extend(referral.name for referral in page.referrals)
        token = page.next_page_token
        if not token:
            break
    assert seen == names[::-1]
    nothing = await hospital.referrals.ListReferrals(pb.ListReferralsRequest(), metadata=hospital.as_(OTHER))
    assert list(nothing.referrals) == []
    found = await refused(
        hospital.referrals.ListReferrals(
            pb.ListReferralsRequest(page_token="x"), metadata=hospital.as_(COUNTY)
        ),
        grpc.StatusCode.INVALID_ARGUMENT,
    )
    assert [violation.field for violation in found["BadRequest"].field_violations] == ["page_token"]


@pytest.mark.parametrize(
    "harm, code",
    [
        (
            "UPDATE events SET payload = set_byte(payload, 40, get_byte(payload, 40) # 1) WHERE version = 2",
            "HASH",
        ),
        ("UPDATE events SET hash = set_byte(hash, 3, get_byte(hash, 3) # 1) WHERE version = 2", "HASH"),
        ("DELETE FROM events WHERE version = 2", "MISSING_EVENT"),
        ("DELETE FROM events WHERE version = 3", "MISSING_EVENT"),
        ("UPDATE events SET type = 'OfferDeclined' WHERE version = 2", "COLUMN_MISMATCH"),
        ("UPDATE streams SET snapshot = snapshot || '\\x00'", "STATE_MISMATCH"),
    ],
)
async def test_whatever_is_altered_in_the_database_is_found(site: Site, harm: str, code: str) -> None:
    hospital = site.hospital
    referral = await hospital.create()
    acknowledge = pb.AcknowledgeOfferRequest(request_id=new_id(), name=referral.name)
    await hospital.referrals.AcknowledgeOffer(acknowledge, metadata=hospital.as_(COUNTY))
    await hospital.referrals.AcceptReferral(accept_request(referral.name), metadata=hospital.as_(COUNTY))
    request = pb.VerifyTimelineRequest(name=referral.name)
    intact = await hospital.referrals.VerifyTimeline(request, metadata=hospital.as_(BRANCH))
    assert (intact.intact, intact.events_count) == (True, 3)

    where = " AND " if " WHERE " in harm else " WHERE "
    await site.execute(f"{harm}{where}stream_id = '{referral.name}'")

    verdict = await hospital.referrals.VerifyTimeline(request, metadata=hospital.as_(BRANCH))
    assert not verdict.intact
    assert any(finding.code.startswith(code) for finding in verdict.findings), verdict


async def test_every_view_is_recorded(site: Site) -> None:
    hospital = site.hospital
    referral = await hospital.create()
    await hospital.referrals.GetReferral(
        pb.GetReferralRequest(name=referral.name), metadata=hospital.as_(COUNTY, user="dr-curious")
    )
    connection = await asyncpg.connect(site.dsn)
    try:
        rows = await connection.fetch(
            "SELECT user_id, facility, resources FROM views WHERE resources @> $1", [referral.name]
        )
    finally:
        await connection.close()
    assert [(row["user_id"], row["facility"], row["resources"]) for row in rows] == [
        ("dr-curious", COUNTY, [referral.name])
    ]


async def test_an_office_finds_what_waits_for_it(site: Site) -> None:
    hospital = site.hospital
    asked = await hospital.create(patient="P-turn")
    answered = await hospital.create(patient="P-turn")
    await hospital.referrals.AcceptReferral(accept_request(answered.name), metadata=hospital.as_(COUNTY))

    async def waiting(facility: str, *roles: Role) -> list[str]:
        page = await hospital.referrals.ListReferrals(
            pb.ListReferralsRequest(patient="P-turn", waiting_for_me=True),
            metadata=hospital.as_(facility, *roles),
        )
        return [referral.name for referral in page.referrals]

    assert await waiting(COUNTY) == [asked.name]
    # To send, and the record of an emergency to complete.
    assert await waiting(BRANCH) == [answered.name, asked.name]
    # May read both, and neither is its turn.
    assert await waiting(OTHER, Role.COORDINATOR) == []
    assert await waiting("", Role.OPERATOR) == []


async def test_filters_by_direction_and_time_hold(site: Site) -> None:
    hospital = site.hospital
    referral = await hospital.create(patient="P-when")
    created = referral.create_time

    async def count(**wanted: Any) -> int:
        request = pb.ListReferralsRequest(patient="P-when", **wanted)
        page = await hospital.referrals.ListReferrals(request, metadata=hospital.as_(COUNTY))
        return len(page.referrals)

    assert await count(created_from=created) == 1
    assert await count(created_before=created) == 0
    assert await count(direction=referral_pb2.Direction.DIRECTION_UP) == 1
    assert await count(direction=referral_pb2.Direction.DIRECTION_DOWN) == 0
    assert await count(overdue_only=True) == 0


async def test_a_token_goes_on_with_its_own_list_alone(site: Site) -> None:
    hospital = site.hospital
    for _ in range(3):
        await hospital.create(patient="P-token")
    first = await hospital.referrals.ListReferrals(
        pb.ListReferralsRequest(page_size=1, patient="P-token"), metadata=hospital.as_(COUNTY)
    )
    again = pb.ListReferralsRequest(page_size=2, patient="P-token", page_token=first.next_page_token)
    page = await hospital.referrals.ListReferrals(again, metadata=hospital.as_(COUNTY))
    assert len(page.referrals) == 2
    other = pb.ListReferralsRequest(page_size=1, patient="P-lists", page_token=first.next_page_token)
    await refused(
        hospital.referrals.ListReferrals(other, metadata=hospital.as_(COUNTY)),
        grpc.StatusCode.INVALID_ARGUMENT,
    )


async def test_a_timeline_as_of_a_moment_has_what_was_known_then(site: Site) -> None:
    hospital = site.hospital
    referral = await hospital.create()
    accepted = await hospital.referrals.AcceptReferral(
        accept_request(referral.name), metadata=hospital.as_(COUNTY)
    )
    request = pb.GetTimelineRequest(name=referral.name, as_of=referral.create_time)
    then = await hospital.referrals.GetTimeline(request, metadata=hospital.as_(BRANCH))
    now = await hospital.referrals.GetTimeline(
        pb.GetTimelineRequest(name=referral.name), metadata=hospital.as_(BRANCH)
    )
    assert [entry.metadata.type for entry in then.entries] == ["ReferralRequested"]
    assert then.referral == referral
    assert [entry.metadata.type for entry in now.entries] == ["ReferralRequested", "ReferralAccepted"]
    assert now.referral == accepted.referral
    before = referral.create_time.ToDatetime(UTC) - timedelta(seconds=1)
    for whole_episode in (False, True):
        request = pb.GetTimelineRequest(name=referral.name, as_of=before, whole_episode=whole_episode)
        nothing = await hospital.referrals.GetTimeline(request, metadata=hospital.as_(BRANCH))
        assert list(nothing.entries) == []
        assert not nothing.HasField("referral")


async def test_views_are_forgotten_when_their_time_is_over(site: Site) -> None:
    database = Database(site.dsn, application_name="test", connections_max=1)
    retention = ViewRetention(database, months=36)
    statement = (
        "INSERT INTO views (at, user_id, facility, roles, method, resources)"
        " SELECT now() - make_interval(months => $1, days => $2), 'dr-old', '', '{}', '', '{}'"
    )
    await site.execute(statement, 36, 1)
    await site.execute(statement, 35, 0)
    assert await retention.forget() == 1
    assert await retention.forget() == 0
    assert await database.fetch_value("SELECT count(*) FROM views WHERE user_id = 'dr-old'") == 1
    await database.close()


async def test_a_destination_that_is_asked_sees_the_clocks_and_nobody_else_does(site: Site) -> None:
    hospital = site.hospital
    referral = await hospital.create()
    ask = episode_service_pb2.GetEpisodeRequest(name=referral.episode)
    seen = await hospital.episodes.GetEpisode(ask, metadata=hospital.as_(COUNTY))
    assert seen.episode.name == referral.episode
    assert COUNTY not in seen.episode.facilities
    # The whole story goes with the clocks.
    whole = pb.GetTimelineRequest(name=referral.name, whole_episode=True)
    told = await hospital.referrals.GetTimeline(whole, metadata=hospital.as_(COUNTY))
    assert {"EpisodeOpened", "ReferralRequested"} <= {entry.metadata.type for entry in told.entries}
    await refused(
        hospital.referrals.GetTimeline(whole, metadata=hospital.as_(OTHER)), grpc.StatusCode.NOT_FOUND
    )
    await refused(hospital.episodes.GetEpisode(ask, metadata=hospital.as_(OTHER)), grpc.StatusCode.NOT_FOUND)
    cancel = pb.CancelReferralRequest(request_id=new_id(), name=referral.name)
    cancel.reason.code = "PATIENT_REFUSES"
    await hospital.referrals.CancelReferral(cancel, metadata=hospital.as_(BRANCH))
    # What it was asked about is over, and was never its own.
    await refused(hospital.episodes.GetEpisode(ask, metadata=hospital.as_(COUNTY)), grpc.StatusCode.NOT_FOUND)


async def test_a_stranger_learns_nothing_of_an_episode_by_asking_to_join_it(site: Site) -> None:
    hospital = site.hospital
    referral = await hospital.create(patient="P-known")
    for patient in ("P-known", "P-other"):
        joining = create_request(episode=referral.episode, patient=patient)
        found = await refused(
            hospital.referrals.CreateReferral(joining, metadata=hospital.as_(OTHER)),
            grpc.StatusCode.NOT_FOUND,
        )
        assert found["ResourceInfo"].resource_name == referral.episode


async def test_a_long_timeline_is_read_page_by_page_and_never_cut_silently(site: Site) -> None:
    hospital = site.hospital
    referral = await hospital.create()
    await hospital.referrals.AcceptReferral(accept_request(referral.name), metadata=hospital.as_(COUNTY))
    for whole_episode in (False, True):
        asked = {"name": referral.name, "whole_episode": whole_episode}
        whole = await timeline(hospital, **asked)
        assert whole.next_page_token == ""
        walked, token = [], ""
        for _ in whole.entries:
            page = await timeline(hospital, **asked, page_size=1, page_token=token)
            assert len(page.entries) == 1
            walked.extend(page.entries)
            token = page.next_page_token
        assert token == ""
        assert walked == list(whole.entries)
        first = await timeline(hospital, **asked, page_size=1)
        for changed in ({"whole_episode": not whole_episode}, {"as_of": referral.create_time}):
            await refused(
                timeline(hospital, **{**asked, **changed}, page_token=first.next_page_token),
                grpc.StatusCode.INVALID_ARGUMENT,
            )
    # A token that was made up, for a place in somebody else's trail.
    forged = pb.GetTimelineRequest(name=referral.name, whole_episode=True)
    other = await hospital.create()
    forged.page_token = page_token(f"{other.name} 1", bound_to=list_digest(forged))
    await refused(
        hospital.referrals.GetTimeline(forged, metadata=hospital.as_(BRANCH)),
        grpc.StatusCode.INVALID_ARGUMENT,
    )


async def timeline(hospital: Hospital, **asked: Any) -> Any:
    return await hospital.referrals.GetTimeline(pb.GetTimelineRequest(**asked), metadata=hospital.as_(BRANCH))
