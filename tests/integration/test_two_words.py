"""What one person or one side alone cannot say: a bypass of the bed, an error after an acceptance."""

import grpc
import pytest

from services.shared.kernel.actor import Role
from tests.integration.hospital import BRANCH, COUNTY, OTHER, accept_request, new_id
from tests.integration.referral_site import Site, site
from tests.integration.test_referral_commands import (
    ADVANCED,
    NO_BED,
    call,
    done,
    not_allowed,
    pb_state,
    refused,
)

__all__ = ["site"]

pytestmark = pytest.mark.asyncio(loop_scope="module")

WRONG = {"reason": {"code": "WRONG_PATIENT", "text": "患者选错"}}
BED = {"bed_type": "BED_TYPE_STROKE_UNIT"}


async def accepted(site: Site, **changes: object) -> str:
    name = str((await site.hospital.create(patient=f"P-{new_id()[:8]}", **BED)).name)
    request = accept_request(name, **changes)
    await site.hospital.referrals.AcceptReferral(request, metadata=site.hospital.as_(COUNTY))
    return name


async def test_without_a_bed_the_destinations_word_opens_the_way(site: Site) -> None:
    name = await accepted(site)
    claimed = {"transport": ADVANCED, "emergency_room_bypass": True}
    refusal = await not_allowed(site, "ArrangeTransport", name, BRANCH, **claimed)
    assert refusal.rules == {"BED_NOT_READY", "BYPASS_NOT_GRANTED"}
    await refused(call(site, "GrantBypass", name, BRANCH, reason=NO_BED), grpc.StatusCode.PERMISSION_DENIED)
    granted = await done(site, "GrantBypass", name, COUNTY, reason=NO_BED)
    assert (granted.emergency_room_bypass, granted.bypass_reason.code) == (True, "NO_BED")
    arranged = await done(site, "ArrangeTransport", name, BRANCH, **claimed)
    assert arranged.state == pb_state("TRANSPORT_ARRANGED")


async def test_the_word_comes_with_the_acceptance(site: Site) -> None:
    name = await accepted(site, bypass_reason=NO_BED)
    arranged = await done(site, "ArrangeTransport", name, BRANCH, transport=ADVANCED)
    assert arranged.emergency_room_bypass


async def test_an_error_after_an_acceptance_takes_two_persons(site: Site) -> None:
    name = await accepted(site)
    early = await not_allowed(site, "MarkEnteredInError", name, COUNTY, Role.REFERRAL_OFFICE, **WRONG)
    assert early.rules == {"ERROR_NOT_CLAIMED"}
    asked = await done(site, "MarkEnteredInError", name, BRANCH, **WRONG)
    assert (asked.state, asked.error_mark.requested_by) == (pb_state("ACCEPTED"), f"dr-{BRANCH}")
    again = await not_allowed(site, "MarkEnteredInError", name, BRANCH, second_approver="dr-x", **WRONG)
    assert again.rules == {"SECOND_APPROVER_MISSING"}
    marked = await done(site, "MarkEnteredInError", name, OTHER, Role.COORDINATOR, **WRONG)
    assert marked.state == pb_state("ENTERED_IN_ERROR")


async def test_the_first_word_is_taken_back(site: Site) -> None:
    name = await accepted(site)
    early = await not_allowed(site, "WithdrawErrorMark", name, BRANCH)
    assert early.rules == {"ERROR_MARK_NOT_STANDING"}
    marked = await done(site, "MarkEnteredInError", name, BRANCH, **WRONG)
    assert "WithdrawErrorMark" in marked.allowed_commands
    await refused(call(site, "WithdrawErrorMark", name, COUNTY), grpc.StatusCode.PERMISSION_DENIED)
    back = await done(site, "WithdrawErrorMark", name, BRANCH, Role.REFERRAL_OFFICE)
    assert (back.state, back.HasField("error_mark")) == (pb_state("ACCEPTED"), False)
    late = await not_allowed(site, "MarkEnteredInError", name, OTHER, Role.COORDINATOR, **WRONG)
    assert late.rules == {"ERROR_NOT_CLAIMED"}
