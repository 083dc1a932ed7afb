"""A facility with a waiting list under random commands: nobody is passed over, and nothing is given twice."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.bed.domain import commands as ask
from services.bed.domain.state import Ward
from services.bed.domain.values import Bed, BedConstraints, BedState, CodedReason, Urgency
from services.shared.kernel.refusals import Refused

from .facility import GONE, Facility, referral

NUMBERS = st.integers(min_value=0, max_value=7)
WARDS = st.sampled_from(["a", "b"])
PLACES = st.integers(min_value=0, max_value=5)
SEXES = st.sampled_from(["", "M", "F"])
CONSTRAINTS = st.lists(
    st.builds(BedConstraints, sex=st.sampled_from(["", "", "M", "F"]), isolation=st.booleans()),
    min_size=1,
    max_size=3,
)
NEEDS = st.fixed_dictionaries({"sex": SEXES, "isolation_needed": st.sampled_from([False, False, True])})
URGENCIES = st.sampled_from(Urgency)
PATIENTS = st.sampled_from([f"p-{number}" for number in range(10)])
BROKEN = CodedReason(code="BROKEN")


class FacilityMachine(RuleBasedStateMachine):
    """Two wards, one list. The kit checks claims, counts, order and that no fitting bed is free after each
    step."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.facility = Facility()
        self.ended: set[int] = set()
        #: nothing comes of these any more
        self.over: set[int] = set()

    def give(self, coroutine: Coroutine[Any, Any, Any]) -> bool:
        """Whether it was carried out; a refusal changes nothing."""
        before = len(self.facility.store.messages)
        try:
            self.loop.run(coroutine)
        except Refused:
            assert len(self.facility.store.messages) == before
            return False
        return True

    def ward(self, name: str) -> Ward:
        return self.facility.ward(name)

    def bed(self, name: str, place: int, *preferred: BedState) -> Bed:
        beds = [bed for bed in self.ward(name).beds if bed.state in preferred] or self.ward(name).beds
        return beds[place % len(beds)]

    @initialize(first=CONSTRAINTS, second=CONSTRAINTS)
    def open(self, first: list[BedConstraints], second: list[BedConstraints]) -> None:
        self.give(self.facility.apply("a", first))
        self.give(self.facility.apply("b", second))

    @rule(name=WARDS, beds=CONSTRAINTS, reserved=st.sampled_from([0, 0, 1]))
    def apply(self, name: str, beds: list[BedConstraints], reserved: int) -> None:
        self.give(self.facility.apply(name, beds, reserved=reserved))

    @rule(number=NUMBERS, urgency=URGENCIES, needs=NEEDS)
    def accept(self, number: int, urgency: Urgency, needs: dict[str, Any]) -> None:
        if number in self.over:
            return
        assert self.give(self.facility.accept(number, urgency, **needs)), "an event cannot be refused"
        self.ended.discard(number)
        assert self.facility.bed_of(number) or number in self.facility.waiting()

    @rule(number=NUMBERS, needs=NEEDS)
    def hold(self, number: int, needs: dict[str, Any]) -> None:
        if self.give(self.facility.hold(number, **needs)):
            self.ended -= {number} - self.over

    @rule(number=NUMBERS, urgency=URGENCIES, needs=NEEDS)
    def join(self, number: int, urgency: Urgency, needs: dict[str, Any]) -> None:
        if self.give(self.facility.join(number, urgency, **needs)):
            assert number not in self.over
            self.ended.discard(number)

    @rule(number=NUMBERS)
    def leave(self, number: int) -> None:
        waited = number in self.facility.waiting()
        assert self.give(self.facility.leave(number)) is waited

    @rule(number=NUMBERS, code=st.sampled_from(["ACCEPTANCE_WITHDRAWN", "NO_SHOW", "REFERRAL_CANCELLED"]))
    def end(self, number: int, code: str) -> None:
        assert self.give(self.facility.end(number, code))
        self.ended.add(number)
        if code == "REFERRAL_CANCELLED":
            self.over.add(number)

    @rule(number=NUMBERS)
    def divert_away(self, number: int) -> None:
        if number in self.over:
            return
        assert self.give(self.facility.divert(number, facility="elsewhere"))
        self.ended.add(number)

    @rule(number=NUMBERS, arrived=st.booleans())
    def travel(self, number: int, arrived: bool) -> None:
        command = ask.OccupyOnArrival if arrived else ask.MarkInTransit
        assert self.give(self.facility.follow(command(referral=referral(number))))

    @rule(name=WARDS, place=PLACES)
    def release(self, name: str, place: int) -> None:
        hold = self.bed(name, place, BedState.HELD).hold
        if hold is not None:
            command = ask.ReleaseHold(hold=hold.name, fencing_token=hold.fencing_token, reason=GONE)
            self.give(self.facility.do(command, name))

    @rule(name=WARDS, place=PLACES)
    def go_on_with_a_bed(self, name: str, place: int) -> None:
        bed = self.bed(name, place, BedState.OCCUPIED, BedState.CLEANING, BedState.BLOCKED)
        commands: dict[BedState, type[ask.VacateBed | ask.MarkBedReady | ask.UnblockBed]] = {
            BedState.OCCUPIED: ask.VacateBed,
            BedState.CLEANING: ask.MarkBedReady,
            BedState.BLOCKED: ask.UnblockBed,
        }
        if bed.state in commands:
            assert self.give(self.facility.do(commands[bed.state](ward=name, bed=bed.id), name))

    @rule(name=WARDS, place=PLACES, ends=st.booleans())
    def block(self, name: str, place: int, ends: bool) -> None:
        until = self.facility.now + timedelta(minutes=20)
        command = ask.BlockBed(
            ward=name,
            bed=self.bed(name, place, BedState.FREE).id,
            reason=BROKEN,
            blocked_until=until,
            unblock_at_end=ends,
        )
        self.give(self.facility.do(command, name))

    @rule(
        patient=PATIENTS,
        name=st.sampled_from(["", "a", "b"]),
        emergency=st.booleans(),
        named=st.booleans(),
        place=PLACES,
    )
    def admit(self, patient: str, name: str, emergency: bool, named: bool, place: int) -> None:
        fields: dict[str, Any] = {"ward": name, "bed_type": self.ward("a").bed_type}
        if named and name:
            fields["bed"] = self.bed(name, place, BedState.FREE).id
        if emergency:
            fields["emergency_reason"] = CodedReason(code="SHOCK")
        self.give(self.facility.admit(patient, f"e-{patient}", **fields))

    @rule(patient=PATIENTS, name=WARDS)
    def transfer(self, patient: str, name: str) -> None:
        before = sum(ward.counts.occupied for ward in self.facility.wards())
        self.give(self.facility.transfer(f"e-{patient}", to_ward=name))
        assert sum(ward.counts.occupied for ward in self.facility.wards()) == before

    @rule(patient=PATIENTS)
    def discharge(self, patient: str) -> None:
        if self.give(self.facility.discharge(f"e-{patient}")):
            assert self.give(self.facility.discharge(f"e-{patient}")), "discharged again, it is as before"
            assert not self.give(self.facility.admit(patient, f"e-{patient}", ward="a"))

    @precondition(lambda self: self.facility.store.deadlines)
    @rule(minutes=st.sampled_from([1, 30, 90]))
    def wait(self, minutes: int) -> None:
        self.facility.now += timedelta(minutes=minutes)
        self.give(self._meet())

    async def _meet(self) -> None:
        await self.facility.meet_deadlines()

    @invariant()
    def nobody_whose_referral_ended_holds_a_bed(self) -> None:
        for number in self.ended:
            assert number not in self.facility.waiting()
            found = self.facility.bed_of(number)
            assert found is None or found[1] is BedState.OCCUPIED

    def teardown(self) -> None:
        try:
            self.facility.check_history()
        finally:
            self.loop.close()


TestFacility = FacilityMachine.TestCase
TestFacility.settings = settings(max_examples=25, stateful_step_count=40, deadline=None)
