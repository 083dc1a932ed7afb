"""An ambulance service of the origin's county finds whom it may carry, and nobody after that."""

import pytest

from services.shared.kernel.actor import Role
from tests.integration.hospital import BRANCH, CITY, COUNTY, OTHER, accept_request
from tests.integration.referral_site import Site, refused, site
from tests.integration.test_referral_commands import ADVANCED, HANDOVER, Code, call, done
from tierlink.referral.v1 import referral_service_pb2 as pb

__all__ = ["site"]

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def listed(site: Site, facility: str, *roles: Role, **wanted: object) -> list[str]:
    request = pb.ListReferralsRequest(**wanted)  # type: ignore[arg-type]
    reply = await site.hospital.referrals.ListReferrals(request, metadata=site.hospital.as_(facility, *roles))
    return [each.name for each in reply.referrals]


async def test_a_crew_reads_from_the_acceptance_to_the_arrival(site: Site) -> None:
    hospital = site.hospital
    name = (await hospital.create()).name
    # OTHER is of the origin's community, CITY of its county.
    assert await listed(site, OTHER, Role.AMBULANCE) == await listed(site, CITY, Role.AMBULANCE) == []
    await hospital.referrals.AcceptReferral(accept_request(name), metadata=hospital.as_(COUNTY))
    assert await listed(site, OTHER, Role.AMBULANCE) == await listed(site, CITY, Role.AMBULANCE) == [name]
    assert await listed(site, OTHER, Role.AMBULANCE, waiting_for_me=True) == []
    assert await listed(site, OTHER) == [], "nobody else of that facility"
    crew = hospital.as_(OTHER, Role.AMBULANCE)
    found = await hospital.referrals.GetReferral(pb.GetReferralRequest(name=name), metadata=crew)
    assert "ArrangeTransport" in found.referral.allowed_commands
    await hospital.referrals.GetTimeline(pb.GetTimelineRequest(name=name), metadata=crew)
    await done(site, "ArrangeTransport", name, BRANCH, transport={**ADVANCED, "ambulance_facility": OTHER})
    departed = await done(site, "DepartPatient", name, OTHER, Role.AMBULANCE, handover_document=HANDOVER)
    assert departed.name == name and await listed(site, CITY, Role.AMBULANCE) == [name]
    await call(site, "ReportArrival", name, COUNTY, patient="P-1")
    assert await listed(site, CITY, Role.AMBULANCE) == []
    assert await listed(site, OTHER, Role.AMBULANCE) == [name], "who carried it"
    request = pb.GetReferralRequest(name=name)
    other_crew = hospital.as_(CITY, Role.AMBULANCE)
    await refused(hospital.referrals.GetReferral(request, metadata=other_crew), Code.NOT_FOUND)
    await refused(
        call(site, "ArrangeTransport", name, CITY, Role.AMBULANCE, transport=ADVANCED), Code.NOT_FOUND
    )
