"""The referral service as a hospital meets it: every refusal, and nothing written by it."""

import asyncio
from datetime import UTC, datetime, timedelta

import grpc
import pytest

from services.shared.kernel.actor import Role
from tests.integration.hospital import (
    BRANCH,
    CITY,
    COUNTY,
    OTHER,
    accept_request,
    create_request,
    new_id,
)
from tests.integration.referral_site import Site, refused, site
from tierlink.referral.v1 import referral_pb2
from tierlink.referral.v1 import referral_service_pb2 as pb

__all__ = ["site"]

pytestmark = pytest.mark.asyncio(loop_scope="module")

State = referral_pb2.ReferralState


async def test_who_calls_without_a_token_learns_nothing(site: Site) -> None:
    referrals, before = site.hospital.referrals, await site.events()
    for metadata in ((), (("authorization", "Bearer nonsense"),), (("authorization", "Basic x"),)):
        found = await refused(
            referrals.CreateReferral(create_request(), metadata=metadata), grpc.StatusCode.UNAUTHENTICATED
        )
        assert found["ErrorInfo"].domain == "tierlink"
    assert await site.events() == before


async def test_every_wrong_field_is_named_at_once(site: Site) -> None:
    before = await site.events()
    request = create_request(
        request_id="no uuid",
        patient="",
        destinations=[],
        urgency=0,
        pathway=77,
        clinical_summary={"nihss": 99},
        episode="episode 7",
    )
    found = await refused(
        site.hospital.referrals.CreateReferral(request, metadata=site.hospital.as_(BRANCH)),
        grpc.StatusCode.INVALID_ARGUMENT,
    )
    fields = {violation.field for violation in found["BadRequest"].field_violations}
    assert {
        "request_id",
        "patient",
        "destinations",
        "urgency",
        "pathway",
        "clinical_summary.diagnosis_name",
        "clinical_summary.referral_reason",
        "clinical_summary.nihss",
        "consent",
        "episode",
    } - {"consent"} <= fields
    assert await site.events() == before


async def test_a_destination_that_is_not_in_the_directory_is_a_wrong_field(site: Site) -> None:
    found = await refused(
        site.hospital.referrals.CreateReferral(
            create_request(destinations=["nowhere", BRANCH]), metadata=site.hospital.as_(BRANCH)
        ),
        grpc.StatusCode.INVALID_ARGUMENT,
    )
    fields = [violation.field for violation in found["BadRequest"].field_violations]
    assert fields == ["destinations[0]", "destinations[1]"]


async def test_what_lies_in_the_future_is_a_wrong_field(site: Site) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    found = await refused(
        site.hospital.referrals.CreateReferral(
            create_request(occurred_at=tomorrow), metadata=site.hospital.as_(BRANCH)
        ),
        grpc.StatusCode.INVALID_ARGUMENT,
    )
    assert [violation.field for violation in found["BadRequest"].field_violations] == ["occurred_at"]


async def test_strangers_are_told_that_it_does_not_exist(site: Site) -> None:
    hospital = site.hospital
    referral = await hospital.create()
    before = await site.events()
    for call in (
        hospital.referrals.GetReferral(
            pb.GetReferralRequest(name=referral.name), metadata=hospital.as_(OTHER)
        ),
        hospital.referrals.AcceptReferral(accept_request(referral.name), metadata=hospital.as_(OTHER)),
        hospital.referrals.GetTimeline(
            pb.GetTimelineRequest(name=referral.name), metadata=hospital.as_(OTHER)
        ),
        hospital.referrals.GetReferral(
            pb.GetReferralRequest(name="referrals/" + new_id()), metadata=hospital.as_(BRANCH)
        ),
    ):
        found = await refused(call, grpc.StatusCode.NOT_FOUND)
        assert found["ResourceInfo"].resource_name.startswith("referrals/")
    assert await site.events() == before


async def test_who_takes_part_but_may_not_is_refused_by_role(site: Site) -> None:
    hospital = site.hospital
    referral = await hospital.create()
    before = await site.events()
    for metadata in (hospital.as_(BRANCH), hospital.as_(COUNTY, Role.BED_DESK)):
        found = await refused(
            hospital.referrals.AcceptReferral(accept_request(referral.name), metadata=metadata),
            grpc.StatusCode.PERMISSION_DENIED,
        )
        assert found["ErrorInfo"].reason
    assert await site.events() == before


async def test_a_failed_guard_says_state_commands_and_each_rule_in_both_languages(site: Site) -> None:
    hospital = site.hospital
    referral = await hospital.create(bed_type="BED_TYPE_STROKE_UNIT")
    await hospital.referrals.AcceptReferral(accept_request(referral.name), metadata=hospital.as_(COUNTY))
    before = await site.events()
    request = pb.DepartPatientRequest(
        request_id=new_id(), name=referral.name, handover_document={"summary": "稳定"}
    )
    found = await refused(
        hospital.referrals.DepartPatient(request, metadata=hospital.as_(BRANCH)),
        grpc.StatusCode.FAILED_PRECONDITION,
    )
    failures = {violation.type for violation in found["PreconditionFailure"].violations}
    assert failures == {"BED_NOT_READY", "TRANSPORT_MISSING"}
    assert found["ErrorInfo"].metadata["state"] == "ACCEPTED"
    assert "ArrangeTransport" in found["ErrorInfo"].metadata["allowed_commands"]
    assert all("/" in violation.description for violation in found["PreconditionFailure"].violations)
    assert await site.events() == before


async def test_a_request_sent_again_gets_the_first_reply(site: Site) -> None:
    hospital = site.hospital
    request = create_request()
    first = await hospital.referrals.CreateReferral(request, metadata=hospital.as_(BRANCH))
    accepted = accept_request(first.referral.name)
    reply = await hospital.referrals.AcceptReferral(accepted, metadata=hospital.as_(COUNTY))
    before = await site.events()

    again = await hospital.referrals.CreateReferral(request, metadata=hospital.as_(BRANCH))
    accepted_again = await hospital.referrals.AcceptReferral(accepted, metadata=hospital.as_(COUNTY))

    assert again.SerializeToString(deterministic=True) == first.SerializeToString(deterministic=True)
    assert accepted_again == reply
    assert await site.events() == before


async def test_many_at_once_with_one_request_id_write_once(site: Site) -> None:
    hospital, request = site.hospital, create_request()
    before = await site.events()
    replies = await asyncio.gather(
        *(hospital.referrals.CreateReferral(request, metadata=hospital.as_(BRANCH)) for _ in range(20))
    )
    assert len({reply.SerializeToString(deterministic=True) for reply in replies}) == 1
    assert await site.events() == before + 3  # the episode opened and joined, the referral requested


async def test_a_request_id_with_another_body_or_from_somebody_else_is_refused(site: Site) -> None:
    hospital, request = site.hospital, create_request()
    await hospital.referrals.CreateReferral(request, metadata=hospital.as_(BRANCH))
    before = await site.events()
    other = create_request(request_id=request.request_id, patient="P-2")
    for body, metadata in (
        (other, hospital.as_(BRANCH)),
        (request, hospital.as_(BRANCH, user="somebody-else")),
    ):
        found = await refused(
            hospital.referrals.CreateReferral(body, metadata=metadata), grpc.StatusCode.ALREADY_EXISTS
        )
        assert found["ErrorInfo"].reason
    assert await site.events() == before


async def test_a_stale_version_is_refused_with_the_current_one(site: Site) -> None:
    hospital = site.hospital
    referral = await hospital.create()
    acknowledge = pb.AcknowledgeOfferRequest(request_id=new_id(), name=referral.name)
    await hospital.referrals.AcknowledgeOffer(acknowledge, metadata=hospital.as_(COUNTY))
    before = await site.events()
    found = await refused(
        hospital.referrals.AcceptReferral(
            accept_request(referral.name, expected_version=referral.version), metadata=hospital.as_(COUNTY)
        ),
        grpc.StatusCode.ABORTED,
    )
    assert found["ErrorInfo"].metadata["current_version"] == "2"
    assert await site.events() == before
    accepted = await hospital.referrals.AcceptReferral(
        accept_request(referral.name, expected_version=2), metadata=hospital.as_(COUNTY)
    )
    assert accepted.referral.version == 3


async def test_of_two_destinations_that_accept_at_once_one_wins(site: Site) -> None:
    hospital = site.hospital
    override = {"rule": "NEAREST_CAPABLE", "reason": {"code": "FAMILY_WISH"}}
    for _ in range(5):
        referral = await hospital.create(
            destinations=[COUNTY, CITY], dispatch="DISPATCH_FIRST_TO_ACCEPT", overrides=[override]
        )
        results = await asyncio.gather(
            *(
                hospital.referrals.AcceptReferral(accept_request(referral.name), metadata=hospital.as_(place))
                for place in (COUNTY, CITY)
            ),
            return_exceptions=True,
        )
        lost = [result for result in results if isinstance(result, grpc.aio.AioRpcError)]
        assert [error.code() for error in lost] == [grpc.StatusCode.FAILED_PRECONDITION]
        now = await hospital.referrals.GetReferral(
            pb.GetReferralRequest(name=referral.name), metadata=hospital.as_(BRANCH)
        )
        offers = sorted(
            referral_pb2.OfferState.Name(offer.state).removeprefix("OFFER_STATE_")
            for offer in now.referral.offers
        )
        assert offers == ["ACCEPTED", "WITHDRAWN"]


async def test_a_second_live_referral_in_an_episode_is_refused_also_at_once(site: Site) -> None:
    hospital = site.hospital
    referral = await hospital.create()
    found = await refused(
        hospital.referrals.CreateReferral(
            create_request(episode=referral.episode), metadata=hospital.as_(BRANCH)
        ),
        grpc.StatusCode.FAILED_PRECONDITION,
    )
    assert "ONE_LIVE" in {violation.type for violation in found["PreconditionFailure"].violations}
    cancel = pb.CancelReferralRequest(
        request_id=new_id(), name=referral.name, reason={"code": "CHANGED_PLAN"}
    )
    await hospital.referrals.CancelReferral(cancel, metadata=hospital.as_(BRANCH))
    results = await asyncio.gather(
        *(
            hospital.referrals.CreateReferral(
                create_request(episode=referral.episode), metadata=hospital.as_(BRANCH)
            )
            for _ in range(4)
        ),
        return_exceptions=True,
    )
    assert sum(not isinstance(result, BaseException) for result in results) == 1
