"""A facility's waiting list: a bed that becomes free goes to the first whom it fits."""

from datetime import timedelta

import pytest

from services.bed.domain import commands as ask
from services.bed.domain import events as happened
from services.bed.domain.bed_desk import entry_of_referral
from services.bed.domain.desk_events import WaitingServed
from services.bed.domain.state import Ward
from services.bed.domain.values import BedConstraints, BedState, BedType, CodedReason, Hold, Urgency
from services.bed.domain.waiting import LEASES
from services.shared.kernel.ids import derive_id
from services.shared.kernel.refusals import NotAllowed

from .facility import GONE, Facility, referral

WOMEN, MEN = BedConstraints(sex="F"), BedConstraints(sex="M")
BROKEN = CodedReason(code="BROKEN")


def hold_in(ward: Ward, number: int) -> Hold:
    holds = [bed.hold for bed in ward.beds if bed.hold and bed.hold.referral == referral(number)]
    return holds[0]


async def full(beds: int = 1) -> Facility:
    """A ward whose beds are held by referrals 1, 2…"""
    facility = Facility()
    await facility.apply("w", beds)
    for number in range(1, beds + 1):
        await facility.hold(number)
    return facility


@pytest.fixture
async def facility() -> Facility:
    return await full()


async def released(facility: Facility, number: int = 1) -> None:
    hold = hold_in(facility.ward("w"), number)
    await facility.do(ask.ReleaseHold(hold=hold.name, fencing_token=hold.fencing_token, reason=GONE), "w")


async def test_an_accepted_referral_without_a_bed_waits_and_gets_the_next_one(facility: Facility) -> None:
    await facility.accept(2)
    assert (facility.waiting(), facility.bed_of(2)) == ([2], None)

    await released(facility)

    assert (facility.waiting(), facility.bed_of(2)) == ([], ("w-1", BedState.HELD))
    assert [type(event) for event in facility.ward_events("w")] == [
        happened.WardApplied,
        happened.BedHeld,
        happened.BedReleased,
        happened.BedHeld,
    ]
    assert isinstance(facility.desk_events()[-1].event, WaitingServed)


async def test_the_release_and_the_next_hold_are_one_unit(facility: Facility) -> None:
    await facility.accept(2)
    before = len(facility.store.messages)
    await released(facility)
    times = {message.recorded_at for message in facility.store.messages[before:]}
    assert len(facility.store.messages[before:]) == 3
    assert len(times) == 1


async def test_beds_become_free_in_every_way(facility: Facility) -> None:
    """Released above; here lapsed, made ready, unblocked by hand and by time, applied, and given up."""
    await facility.accept(2)
    facility.now += timedelta(hours=2)
    assert await facility.meet_deadlines() == 1
    assert facility.bed_of(2) == ("w-1", BedState.HELD)

    await facility.follow(ask.OccupyOnArrival(referral=referral(2)))
    await facility.accept(3)
    await facility.do(ask.VacateBed(ward="w", bed="w-1"), "w")
    assert facility.waiting() == [3]
    await facility.do(ask.MarkBedReady(ward="w", bed="w-1"), "w")
    assert facility.bed_of(3) == ("w-1", BedState.HELD)

    await facility.apply("w", 2)
    await facility.do(ask.BlockBed(ward="w", bed="w-2", reason=BROKEN), "w")
    await facility.accept(4)
    await facility.do(ask.UnblockBed(ward="w", bed="w-2"), "w")
    assert facility.bed_of(4) == ("w-2", BedState.HELD)

    await facility.accept(5)
    await facility.apply("w", 3)
    assert facility.bed_of(5) == ("w-3", BedState.HELD)

    await facility.accept(6)
    await facility.end(5)
    assert facility.bed_of(6) == ("w-3", BedState.HELD)


async def test_a_block_that_ends_by_itself_gives_the_bed(facility: Facility) -> None:
    await facility.apply("w", 2)
    until = facility.now + timedelta(hours=1)
    block = ask.BlockBed(ward="w", bed="w-2", reason=BROKEN, blocked_until=until, unblock_at_end=True)
    await facility.do(block, "w")
    hold = hold_in(facility.ward("w"), 1)
    await facility.do(
        ask.ExtendHold(
            hold=hold.name, fencing_token=hold.fencing_token, expires_at=until + timedelta(hours=9)
        ),
        "w",
    )
    await facility.accept(2)
    facility.now = until
    await facility.meet_deadlines()
    assert facility.bed_of(2) == ("w-2", BedState.HELD)


async def test_the_order_is_urgency_then_time(facility: Facility) -> None:
    await facility.accept(4, Urgency.ROUTINE)
    await facility.accept(3, Urgency.URGENT)
    await facility.join(2, Urgency.URGENT)
    await facility.accept(5, Urgency.EMERGENCY)
    assert facility.waiting() == [5, 3, 2, 4]
    served = []
    for last in (1, 5, 3, 2):
        await released(facility, last)
        served.append(next(number for number in (5, 3, 2, 4) if facility.bed_of(number)))
    assert served == [5, 3, 2, 4]
    facility.check_history()


async def test_a_bed_that_does_not_fit_the_first_goes_to_the_first_whom_it_fits() -> None:
    facility = Facility()
    await facility.apply("w", [MEN, WOMEN])
    await facility.hold(1, sex="M")
    await facility.hold(2, sex="F")
    await facility.accept(3, Urgency.EMERGENCY, sex="F")
    await facility.accept(4, sex="M")
    await facility.accept(5, sex="M")
    await released(facility, 1)
    assert (facility.bed_of(4), facility.waiting()) == (("w-1", BedState.HELD), [3, 5])
    await released(facility, 2)
    assert (facility.bed_of(3), facility.waiting()) == (("w-2", BedState.HELD), [5])
    facility.check_history()


async def test_several_beds_at_once_go_to_several(facility: Facility) -> None:
    for number in (2, 3, 4):
        await facility.accept(number)
    await facility.apply("x", 2)
    assert (facility.bed_of(2), facility.bed_of(3)) == (("x-1", BedState.HELD), ("x-2", BedState.HELD))
    assert facility.waiting() == [4]
    tokens = [bed.hold.fencing_token for bed in facility.ward("x").beds if bed.hold]
    assert tokens == [1, 2]


async def test_a_bed_whose_constraints_are_lifted_is_a_new_bed_to_those_who_wait() -> None:
    facility = Facility()
    await facility.apply("w", [MEN, BedConstraints()])
    await facility.hold(1)
    await facility.accept(2, sex="F")
    await facility.apply("w", [WOMEN, BedConstraints()])
    assert facility.bed_of(2) == ("w-1", BedState.HELD)


async def test_beds_of_another_type_are_for_others(facility: Facility) -> None:
    await facility.accept(2)
    await facility.apply("icu", 1, BedType.ICU)
    assert facility.waiting() == [2]
    await facility.apply("icu", 1)
    assert facility.bed_of(2) == ("icu-1", BedState.HELD)


async def test_who_waits_without_any_ward_gets_the_first_there_is() -> None:
    facility = Facility()
    await facility.accept(1)
    assert facility.waiting() == [1]
    await facility.apply("w", 1)
    assert facility.bed_of(1) == ("w-1", BedState.HELD)


async def test_entries_leave_when_their_referral_ends_or_is_diverted(facility: Facility) -> None:
    await facility.accept(2)
    await facility.accept(3)
    await facility.join(4)
    await facility.end(2)
    await facility.divert(3, facility="wucaiwan")
    await facility.leave(4)
    assert facility.waiting() == []
    other = facility.desk("wucaiwan")
    assert other is not None
    entry = entry_of_referral(other, referral(3))
    assert entry is not None
    assert entry.patient_in_transit
    await released(facility)
    assert facility.ward("w").counts.free == 1


async def test_a_bed_elsewhere_ends_the_wait_here(facility: Facility) -> None:
    await facility.join(2)
    await facility.apply("far", 1, BedType.ICU)
    await facility.accept(2, facility="wucaiwan")
    other = facility.desk("wucaiwan")
    assert other is not None
    assert (facility.waiting(), len(other.waiting)) == ([], 1)


async def test_an_acceptance_elsewhere_gives_up_a_hold_here_but_never_an_occupants_bed() -> None:
    facility = await full(2)
    await facility.follow(ask.OccupyOnArrival(referral=referral(2)))
    await facility.accept(1, facility="wucaiwan")
    await facility.accept(2, facility="wucaiwan")
    assert (facility.bed_of(1), facility.bed_of(2)) == (None, ("w-2", BedState.OCCUPIED))
    other = facility.desk("wucaiwan")
    assert other is not None
    assert ([entry.patient for entry in other.waiting], other.unavailable_count) == (["p-1"], 2)


async def test_who_lies_here_and_is_diverted_stays_and_waits_nowhere() -> None:
    facility = await full(1)
    await facility.admit("p-1", "e-1")
    await facility.divert(1, facility="wucaiwan")
    assert facility.bed_of(1) == ("w-1", BedState.OCCUPIED)
    other = facility.desk("wucaiwan")
    assert other is not None
    assert (other.waiting, other.unavailable_count) == ((), 1)


async def test_a_hold_that_somebody_made_before_the_acceptance_is_the_acceptances(facility: Facility) -> None:
    later = facility.now + timedelta(hours=3)
    await facility.accept(1, expires_at=later)
    assert hold_in(facility.ward("w"), 1).expires_at == later
    assert isinstance(facility.ward_events("w")[-1], happened.BedHoldExtended)


async def test_the_wait_may_end_because_more_is_known() -> None:
    facility = Facility()
    await facility.apply("w", [WOMEN])
    await facility.accept(2)
    assert facility.waiting() == [2]
    await facility.hold(2, sex="F")
    assert (facility.waiting(), facility.bed_of(2)) == ([], ("w-1", BedState.HELD))


async def test_a_late_bed_is_held_as_long_as_one_that_was_got_at_once(facility: Facility) -> None:
    await facility.accept(2, Urgency.EMERGENCY, expires_at=facility.now + timedelta(minutes=10))
    facility.now += timedelta(minutes=20)
    await released(facility)
    lease = hold_in(facility.ward("w"), 2)
    assert lease.expires_at == lease.held_at + LEASES[Urgency.EMERGENCY]


@pytest.mark.parametrize(
    "command", [ask.MarkInTransit(referral=referral(2)), ask.OccupyOnArrival(referral=referral(2))]
)
async def test_the_bed_of_who_comes_without_one_does_not_lapse(
    facility: Facility, command: ask.Command
) -> None:
    await facility.accept(2)
    await facility.follow(command)
    await released(facility)
    facility.now += timedelta(days=2)
    await facility.meet_deadlines()
    assert facility.bed_of(2) == ("w-1", BedState.HELD)
    assert isinstance(facility.ward_events("w")[-1], happened.BedHoldOverdue)
    await facility.follow(ask.OccupyOnArrival(referral=referral(2)))
    assert facility.bed_of(2) == ("w-1", BedState.OCCUPIED)


async def test_a_referral_has_one_bed_or_one_place(facility: Facility) -> None:
    for refused, code in ((facility.join(1), "REFERRAL_HAS_BED"), (facility.hold(2), "NO_FREE_BED")):
        with pytest.raises(NotAllowed) as caught:
            await refused
        assert [rule.code for rule in caught.value.failed_rules] == [code]
    await facility.accept(2)
    await facility.apply("icu", 1, BedType.ICU)
    with pytest.raises(NotAllowed) as caught:
        await facility.hold(1, bed_type=BedType.ICU)
    assert [rule.code for rule in caught.value.failed_rules] == ["REFERRAL_HAS_BED"]


async def test_a_repeated_request_changes_nothing(facility: Facility) -> None:
    request = derive_id("once")
    await facility.accept(2)
    hold = hold_in(facility.ward("w"), 1)
    release = ask.ReleaseHold(hold=hold.name, fencing_token=hold.fencing_token, reason=GONE)
    first = await facility.do(release, "w", request)
    events = len(facility.store.messages)
    assert await facility.do(release, "w", request) == first
    assert len(facility.store.messages) == events
