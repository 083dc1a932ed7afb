"""A referral that has ended gets no bed any more and waits for none."""

from collections.abc import Awaitable, Callable

import pytest

from services.bed.domain import commands as ask
from services.shared.eventstore.units import AppendResult, AppendUnit
from services.shared.kernel.actor import Role
from services.shared.kernel.refusals import NotAllowed

from .facility import Facility, referral
from .scenario import person

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


# At the same moment


def happens_before_the_next_append(facility: Facility, other: Callable[[], Awaitable[object]]) -> None:
    """What the facility does next has been decided, and is not written yet, when the other happens."""
    append = facility.store.append

    async def late(unit: AppendUnit) -> AppendResult:
        facility.store.append = append  # type: ignore[method-assign]
        await other()
        return await append(unit)

    facility.store.append = late  # type: ignore[method-assign]


@pytest.mark.parametrize("code", ENDS)
async def test_a_hold_that_is_decided_when_the_end_comes_is_refused(facility: Facility, code: str) -> None:
    elsewhere = Facility(facility.store)
    happens_before_the_next_append(facility, lambda: elsewhere.end(1, code))
    with pytest.raises(NotAllowed) as caught:
        await facility.hold(1)
    assert codes(caught) == ["REFERRAL_ENDED"]
    assert (facility.bed_of(1), facility.ward("w").counts.free) == (None, 1)


@pytest.mark.parametrize("code", ENDS)
async def test_who_is_about_to_wait_when_the_end_comes_is_refused(facility: Facility, code: str) -> None:
    await facility.hold(2)
    elsewhere = Facility(facility.store)
    happens_before_the_next_append(facility, lambda: elsewhere.end(1, code))
    with pytest.raises(NotAllowed) as caught:
        await facility.join(1)
    assert codes(caught) == ["REFERRAL_ENDED"]
    assert facility.waiting() == []


@pytest.mark.parametrize("code", ENDS)
async def test_an_end_that_is_decided_when_a_bed_is_held_gives_it_back(facility: Facility, code: str) -> None:
    elsewhere = Facility(facility.store)
    happens_before_the_next_append(facility, lambda: elsewhere.hold(1))
    await facility.end(1, code)
    assert (facility.bed_of(1), facility.ward("w").counts.free) == (None, 1)


async def test_a_patient_who_leaves_the_bed_as_the_referral_ends_leaves_the_way_to_none(
    facility: Facility,
) -> None:
    """Three at once: the hold looked before the end; the end found the patient in a bed, free since."""
    await facility.apply("away", 1, at="wucaiwan")
    await facility.accept(1)
    await facility.follow(ask.OccupyOnArrival(referral=referral(1)))
    elsewhere = Facility(facility.store)

    async def ends_and_leaves() -> None:
        await elsewhere.end(1)
        await elsewhere.do(ask.VacateBed(ward="w", bed="w-1"), "w")

    happens_before_the_next_append(facility, ends_and_leaves)
    with pytest.raises(NotAllowed) as caught:
        await facility.hold(1, by=person(Role.BED_DESK, facility="wucaiwan"), facility="wucaiwan")
    assert codes(caught) == ["REFERRAL_ENDED"]
    assert facility.bed_of(1) is None


async def test_a_second_end_is_nothing_new(facility: Facility) -> None:
    await facility.end(1, "PATIENT_DIED")
    await facility.end(1, "REFERRAL_CLOSED")
    with pytest.raises(NotAllowed) as caught:
        await facility.hold(1)
    assert codes(caught) == ["REFERRAL_ENDED"]
