"""Lists, views and verification of the referral service."""

import asyncpg
import grpc
import pytest

from tests.integration.hospital import (
    BRANCH,
    COUNTY,
    OTHER,
    accept_request,
    new_id,
)
from tests.integration.referral_site import Site, refused, site
from tierlink.referral.v1 import referral_pb2
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
