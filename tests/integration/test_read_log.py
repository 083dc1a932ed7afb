"""Who looked at what, through gRPC: told to those who answer for the record, and to nobody else."""

from typing import Any

import grpc
import pytest

from services.shared.kernel.actor import Role
from services.shared.rpc.paging import list_digest, page_token
from tests.integration.hospital import BRANCH, CITY, COUNTY, OTHER, new_id
from tests.integration.referral_site import Site, refused, site
from tierlink.referral.v1 import referral_service_pb2 as pb

__all__ = ["site"]

pytestmark = pytest.mark.asyncio(loop_scope="module")

OFFICE = (COUNTY, Role.REFERRAL_OFFICE)


async def reads(site: Site, *who: Any, **asked: Any) -> Any:
    request = pb.ListReadsRequest(**asked)
    return await site.hospital.referrals.ListReads(request, metadata=site.hospital.as_(*(who or OFFICE)))


async def look(site: Site, name: str, facility: str, user: str) -> None:
    await site.hospital.referrals.GetReferral(
        pb.GetReferralRequest(name=name), metadata=site.hospital.as_(facility, user=user)
    )


async def test_the_offices_of_a_referral_see_who_looked_at_it(site: Site) -> None:
    hospital = site.hospital
    referral = await hospital.create(patient="P-read")
    beside = await hospital.create(patient="P-beside")
    await look(site, referral.name, BRANCH, "dr-a")
    listing = hospital.as_(COUNTY, user="dr-b")
    await hospital.referrals.ListReferrals(pb.ListReferralsRequest(), metadata=listing)
    await look(site, beside.name, COUNTY, "dr-c")

    found = await reads(site, resource=referral.name)
    seen = [(each.user, each.facility, each.method.rpartition("/")[2]) for each in found.reads]
    # Asking is a read too.
    assert seen == [
        (f"dr-{COUNTY}", COUNTY, "ListReads"),
        ("dr-b", COUNTY, "ListReferrals"),
        ("dr-a", BRANCH, "GetReferral"),
    ]
    assert all(list(each.resources) == [referral.name] for each in found.reads), "the list showed more"
    assert all(each.at.seconds and each.roles for each in found.reads)

    for who in ((BRANCH, Role.REFERRAL_OFFICE), (OTHER, Role.COORDINATOR), ("", Role.OPERATOR)):
        assert len((await reads(site, *who, resource=referral.name)).reads) >= 4
    # Whoever treats a patient need not know who else looked.
    denied = await refused(reads(site, COUNTY, resource=referral.name), grpc.StatusCode.PERMISSION_DENIED)
    assert denied["ErrorInfo"].reason == "WRONG_ROLE"
    for who in ((OTHER, Role.REFERRAL_OFFICE), (CITY, Role.COORDINATOR)):
        await refused(reads(site, *who, resource=referral.name), grpc.StatusCode.NOT_FOUND)
        await refused(reads(site, *who, patient="P-read"), grpc.StatusCode.NOT_FOUND)
    absent = f"episodes/{new_id()}"
    await refused(reads(site, resource=absent), grpc.StatusCode.NOT_FOUND)


async def test_of_a_patient_it_is_everything_that_the_asker_may_know_of(site: Site) -> None:
    hospital = site.hospital
    first = await hospital.create(patient="P-whole")
    second = await hospital.create(patient="P-whole", destinations=[CITY], overrides=[OVERRIDE])
    for referral in (first, second):
        await look(site, referral.name, BRANCH, "dr-whole")
    at_branch = await reads(site, BRANCH, Role.REFERRAL_OFFICE, patient="P-whole")
    assert {name for each in at_branch.reads if each.user == "dr-whole" for name in each.resources} == {
        first.name,
        second.name,
    }
    at_county = await reads(site, patient="P-whole")
    assert {name for each in at_county.reads if each.user == "dr-whole" for name in each.resources} == {
        first.name
    }


OVERRIDE = {"rule": "NEAREST_CAPABLE", "reason": {"code": "AGREED"}}


async def test_pages_of_reads_go_on_where_they_ended(site: Site) -> None:
    hospital = site.hospital
    referral = await hospital.create(patient="P-pages")
    # Written by one statement, several views have one moment.
    await site.execute(
        "INSERT INTO views (at, user_id, facility, roles, method, resources)"
        " SELECT now(), 'dr-' || n, $1, '{clinician}', 'M', ARRAY[$2] FROM generate_series(1, 7) AS n",
        COUNTY,
        referral.name,
    )
    whole = await reads(site, "", Role.OPERATOR, resource=referral.name)
    until = whole.reads[0].at
    asked = {"resource": referral.name, "read_before": until}
    walked, token = [], ""
    for _ in range(9):
        page = await reads(site, "", Role.OPERATOR, **asked, page_size=2, page_token=token)
        walked += [each.user for each in page.reads]
        token = page.next_page_token
        if not token:
            break
    assert sorted(walked) == [f"dr-{n}" for n in range(1, 8)]
    assert (await reads(site, "", Role.OPERATOR, resource=referral.name, read_from=until)).reads

    first = await reads(site, "", Role.OPERATOR, **asked, page_size=2)
    other = {**asked, "page_token": first.next_page_token, "read_from": until}
    await refused(reads(site, "", Role.OPERATOR, **other), grpc.StatusCode.INVALID_ARGUMENT)
    for place in ("yesterday (0,1)", "2026-01-01T00:00:00 (0,1)", "2026-01-01T00:00:00Z (9999999999,1)"):
        forged = pb.ListReadsRequest(**asked)
        forged.page_token = page_token(place, bound_to=list_digest(forged))
        await refused(
            hospital.referrals.ListReads(forged, metadata=hospital.as_("", Role.OPERATOR)),
            grpc.StatusCode.INVALID_ARGUMENT,
        )


@pytest.mark.parametrize("asked", [{}, {"patient": "P-1", "resource": f"referrals/{new_id()}"}])
async def test_one_thing_is_asked_about(site: Site, asked: dict[str, Any]) -> None:
    found = await refused(reads(site, **asked), grpc.StatusCode.INVALID_ARGUMENT)
    assert [each.field for each in found["BadRequest"].field_violations] == ["resource"]
