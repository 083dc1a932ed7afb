"""A referral that has ended gets no bed any more and waits for none."""

import pytest

from services.bed.domain import commands as ask
from services.shared.kernel.refusals import NotAllowed

from .facility import Facility, referral

ENDS = ("REFERRAL_CANCELLED", "REFERRAL_EXPIRED", "REFERRAL_CLOSED", "PATIENT_DIED", "ENTERED_IN_ERROR")
GOES_ON = ("ACCEPTANCE_WITHDRAWN", "NO_SHOW", "OFFER_DECLINED")


@pytest.fixture
async def facility() -> Facility:
    facility = Facility()
    await facility.apply("w", 1)
    return facility


def codes(caught: pytest.ExceptionInfo[NotAllowed]) -> list[str]:
    return [rule.code for rule in caught.value.failed_rules]


@pytest.mark.parametrize("code", ENDS)
@pytest.mark.parametrize("had_bed", [True, False])
async def test_no_bed_is_held_for_one_that_has_ended(facility: Facility, code: str, had_bed: bool) -> None:
    if had_bed:
        await facility.hold(1)
    await facility.end(1, code)
    with pytest.raises(NotAllowed) as caught:
        await facility.hold(1)
    assert (codes(caught), caught.value.resource_name) == (["REFERRAL_ENDED"], referral(1))
    assert (facility.bed_of(1), facility.ward("w").counts.free) == (None, 1)
    await facility.hold(2)


@pytest.mark.parametrize("code", ENDS)
async def test_one_that_has_ended_waits_for_no_bed(facility: Facility, code: str) -> None:
    await facility.hold(2)
    await facility.end(1, code)
    with pytest.raises(NotAllowed) as caught:
        await facility.join(1)
    assert codes(caught) == ["REFERRAL_ENDED"]
    assert facility.waiting() == []


@pytest.mark.parametrize("code", GOES_ON)
async def test_one_that_goes_on_gets_another_bed(facility: Facility, code: str) -> None:
    await facility.accept(1)
    await facility.end(1, code)
    await facility.hold(1)
    assert facility.bed_of(1) is not None


async def test_a_diverted_referral_goes_on(facility: Facility) -> None:
    await facility.accept(1)
    await facility.divert(1)
    assert facility.bed_of(1) is not None


async def test_a_repeated_hold_of_before_the_end_answers_as_it_did(facility: Facility) -> None:
    request = "5d9f7c5e-0000-4000-8000-000000000009"
    use = facility.wanted(1)
    first = await facility.hold(1, request, expires_at=use.expires_at)
    await facility.end(1)
    assert await facility.hold(1, request, expires_at=use.expires_at) == first
    assert facility.bed_of(1) is None


async def test_its_end_is_known_to_the_next_process_too(facility: Facility) -> None:
    await facility.end(1)
    other = Facility(facility.store)
    with pytest.raises(NotAllowed) as caught:
        await other.hold(1)
    assert codes(caught) == ["REFERRAL_ENDED"]
    await other.follow(ask.GiveUpHold(referral=referral(1), reason=ask.CodedReason(code=ENDS[0])))
