"""A ward under random commands: what must hold at every version of every event."""

from collections.abc import Callable
from datetime import timedelta

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.bed.domain import commands as ask
from services.bed.domain import events as happened
from services.bed.domain import ward
from services.bed.domain.transitions import TRANSITIONS
from services.bed.domain.values import (
    IN_USE,
    Bed,
    BedConstraints,
    BedState,
    BedType,
    CodedReason,
    Hold,
    WardCounts,
)
from services.shared.kernel.command import Recorded
from services.shared.kernel.ids import derive_id
from services.shared.kernel.refusals import Refused

from .scenario import BED_DESK, HOSPITAL, NAME, NOW, REASON, SYSTEM, context, recorded, step

#: a bed by its place, so that most commands find one
PLACES = st.integers(min_value=0, max_value=4)
REFERRALS = st.sampled_from([f"referrals/0000000{number}-0000-4000-8000-000000000000" for number in range(6)])
PATIENTS = st.sampled_from(["p-1", "p-2", "p-3"])
CONSTRAINTS = st.builds(
    BedConstraints, sex=st.sampled_from(["", "", "", "M"]), isolation=st.sampled_from([False, False, True])
)
REQUESTS = st.builds(
    ask.HoldBed,
    facility=st.just(HOSPITAL),
    referral=REFERRALS,
    patient=PATIENTS,
    bed_type=st.just(BedType.STROKE_UNIT),
    expires_at=st.integers(min_value=1, max_value=30).map(lambda minutes: NOW + timedelta(minutes=minutes)),
    sex=st.sampled_from(["", "M", "F"]),
    isolation_needed=st.sampled_from([False, False, True]),
    record_refusal=st.booleans(),
)

#: what the ward usually does next with a bed; for a held one it is refused
for_one_bed: dict[BedState, Callable[[str], ward.Command]] = {
    BedState.FREE: lambda bed: ask.BlockBed(ward="w", bed=bed, reason=CodedReason(code="BROKEN")),
    BedState.HELD: lambda bed: ask.VacateBed(ward="w", bed=bed),
    BedState.OCCUPIED: lambda bed: ask.VacateBed(ward="w", bed=bed),
    BedState.CLEANING: lambda bed: ask.MarkBedReady(ward="w", bed=bed),
    BedState.BLOCKED: lambda bed: ask.UnblockBed(ward="w", bed=bed),
}
for_one_hold: list[Callable[[Hold, int], ward.Command]] = [
    lambda hold, token: ask.ReleaseHold(hold=hold.name, fencing_token=token, reason=REASON),
    lambda hold, token: ask.OccupyBed(ward="w", hold=hold.name, fencing_token=token),
    lambda hold, token: ask.ExtendHold(
        hold=hold.name, fencing_token=token, expires_at=hold.expires_at + timedelta(minutes=7)
    ),
]
for_one_referral: list[Callable[[str], ward.Command]] = [
    lambda referral: ask.OccupyOnArrival(referral=referral),
    lambda referral: ask.MarkInTransit(referral=referral),
    lambda referral: ask.GiveUpHold(referral=referral, reason=REASON),
    lambda referral: ask.AdjustHold(referral=referral, expires_at=NOW + timedelta(minutes=5)),
]


class WardMachine(RuleBasedStateMachine):
    """The ward by commands, its history beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.state: ward.Ward | None = None
        self.history: list[Recorded[ward.Event]] = []
        self.holds: list[Hold] = []
        self.lapsed: set[str] = set()
        self.occupied: set[str] = set()
        self.alerted: list[tuple[str, object]] = []
        self.keys: list[str] = []
        self.requests = 0

    @property
    def now(self) -> ward.Ward:
        assert self.state is not None
        return self.state

    def bed(self, place: int, *preferred: BedState) -> Bed:
        """A bed by its place, among those in a preferred state where there are any."""
        beds = [bed for bed in self.now.beds if bed.state in preferred] or self.now.beds
        return beds[place % len(beds)]

    def give(self, command: ward.Command) -> tuple[ward.Event, ...]:
        """Decides and folds; a refusal changes nothing."""
        self.requests += 1
        at = NOW + timedelta(seconds=self.requests)
        by = SYSTEM if type(command) in ask.REACTIONS else BED_DESK
        try:
            events = ward.decide(
                self.state, command, context(by, at=at, request=derive_id("request", str(self.requests)))
            )
        except Refused:
            return ()
        for event in events:
            self.check_row(command, event)
            self.state = step(self.state, event, at)
            self.history.append(recorded(event, self.state.version, at))
            self.note(event)
        return events

    def check_row(self, command: ward.Command, event: ward.Event) -> None:
        """Each event about a bed is that of a row of the table."""
        if isinstance(event, happened.WardApplied | happened.BedUnavailable | happened.CountsConfirmed):
            return
        assert any(row.command is type(command) and row.event is type(event) for row in TRANSITIONS)

    def note(self, event: ward.Event) -> None:
        if isinstance(event, happened.BedHeld):
            assert all(event.hold.fencing_token > earlier.fencing_token for earlier in self.holds)
            self.holds.append(event.hold)
        elif isinstance(event, happened.BedHoldLapsed):
            assert not event.hold.patient_in_transit
            self.lapsed.add(event.hold.name)
        elif isinstance(event, happened.BedOccupied) and event.hold is not None:
            self.occupied.add(event.hold.name)
        elif isinstance(event, happened.BedHoldOverdue):
            alert = (event.hold.name, event.hold.expires_at)
            self.alerted.append(alert)

    @initialize(specified=st.lists(CONSTRAINTS, min_size=3, max_size=5))
    def describe(self, specified: list[BedConstraints]) -> None:
        self.apply(specified, BedType.STROKE_UNIT)
        assert self.now.counts.free == len(specified)

    @rule(
        specified=st.lists(CONSTRAINTS, min_size=2, max_size=5),
        bed_type=st.sampled_from([*[BedType.STROKE_UNIT] * 5, BedType.ICU]),
    )
    def apply(self, specified: list[BedConstraints], bed_type: BedType) -> None:
        beds = tuple(
            ask.BedSpecification(id=f"w-0{number}", constraints=constraints)
            for number, constraints in enumerate(specified, start=1)
        )
        in_use = {bed.id for bed in self.state.beds if bed.state in IN_USE} if self.state else set()
        description = ask.WardSpecification(id="w", bed_type=bed_type, name=NAME, beds=beds)
        self.give(ask.ApplyWard(facility=HOSPITAL, ward=description))
        assert in_use <= {bed.id for bed in self.now.beds}

    @rule(request=REQUESTS)
    def hold(self, request: ask.HoldBed) -> None:
        had = any(bed.hold is not None and bed.hold.referral == request.referral for bed in self.now.beds)
        events = self.give(request)
        assert not (had and events)
        for event in events:
            if isinstance(event, happened.BedHeld):
                limits = next(bed.constraints for bed in self.now.beds if bed.id == event.hold.bed)
                assert limits.sex in {"", request.sex}
                assert limits.isolation or not request.isolation_needed

    @precondition(lambda self: self.holds)
    @rule(data=st.data(), command=st.sampled_from(for_one_hold), old=st.sampled_from([False, False, True]))
    def by_token(self, data: st.DataObject, command: Callable[[Hold, int], ward.Command], old: bool) -> None:
        hold = data.draw(st.sampled_from(self.holds[-3:]), label="hold")
        open_now = any(bed.hold is not None and bed.hold.name == hold.name for bed in self.now.beds)
        events = self.give(command(hold, hold.fencing_token - old))
        if old or not open_now:
            assert events == ()

    @precondition(lambda self: self.holds)
    @rule(data=st.data(), command=st.sampled_from(for_one_referral))
    def follow(self, data: st.DataObject, command: Callable[[str], ward.Command]) -> None:
        referrals = [bed.hold.referral for bed in self.now.beds if bed.hold] or [self.holds[-1].referral]
        self.give(command(data.draw(st.sampled_from(referrals), label="referral")))

    @rule(place=PLACES)
    def go_on_with_a_bed(self, place: int) -> None:
        bed = self.bed(place)
        self.give(for_one_bed[bed.state](bed.id))

    @rule(place=PLACES, patient=PATIENTS)
    def admit_without_referral(self, place: int, patient: str) -> None:
        self.give(ask.OccupyBed(ward="w", bed=self.bed(place, BedState.FREE).id, patient=patient))

    @rule(from_place=PLACES, to_place=PLACES)
    def transfer(self, from_place: int, to_place: int) -> None:
        before = self.now.counts.occupied
        source, target = self.bed(from_place, BedState.OCCUPIED), self.bed(to_place, BedState.FREE)
        self.give(ask.TransferBed(ward="w", from_bed=source.id, to_bed=target.id))
        assert self.now.counts.occupied == before

    @rule(off=st.sampled_from([0, 1]))
    def confirm(self, off: int) -> None:
        shown = self.now.counts
        counted = WardCounts(
            beds=shown.beds + off,
            free=shown.free + off,
            held=shown.held,
            occupied=shown.occupied,
            cleaning=shown.cleaning,
            blocked=shown.blocked,
        )
        (event,) = self.give(ask.ConfirmCounts(ward="w", counts=counted))
        assert isinstance(event, happened.CountsConfirmed)
        assert event.differs is bool(off)

    @precondition(lambda self: self.keys)
    @rule(data=st.data())
    def meet_deadline(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(self.keys[-3:]), label="key")
        was_open = key in {deadline.key for deadline in ward.deadlines(self.now)}
        events = self.give(ask.MeetDeadline(key=key))
        assert len(events) == was_open
        assert key not in {deadline.key for deadline in ward.deadlines(self.now)}

    @invariant()
    def one_bed_one_holder(self) -> None:
        if self.state is None:
            return
        for bed in self.now.beds:
            assert (bed.state in IN_USE) is bool(bed.patient)
            assert bed.hold is not None or bed.state is not BedState.HELD
            assert bed.hold is None or (bed.state in IN_USE and bed.hold.bed == bed.id)
            assert (bed.state is BedState.BLOCKED) is (bed.block_reason is not None)
        held = [bed.hold.referral for bed in self.now.beds if bed.hold is not None]
        assert len(held) == len(set(held))
        claims = ward.claims(self.now)
        assert len({(claim.kind, claim.key) for claim in claims}) == len(claims)
        # Each bed in use, each referral's bed, each promise.
        assert len(claims) == 2 * self.now.counts.held + self.now.counts.occupied + len(held)

    @invariant()
    def no_hold_both_lapsed_and_was_occupied(self) -> None:
        assert not self.lapsed & self.occupied

    @invariant()
    def each_end_alerts_once(self) -> None:
        # A hold's end may move away and back; between two alerts of one end there is then an extension.
        extended = sum(isinstance(entry.event, happened.BedHoldExtended) for entry in self.history)
        assert len(self.alerted) - len(set(self.alerted)) <= extended

    @invariant()
    def every_wait_is_a_deadline(self) -> None:
        if self.state is None:
            return
        due = ward.deadlines(self.now)
        waiting = [
            bed.hold.expires_at
            for bed in self.now.beds
            if bed.hold and bed.state is BedState.HELD and not bed.hold.overdue_since
        ]
        assert [deadline.due_at for deadline in due] == waiting
        self.keys = [*dict.fromkeys([*self.keys, *(deadline.key for deadline in due)])]

    def teardown(self) -> None:
        """The state is the fold of its events, byte for byte."""
        folded: ward.Ward | None = None
        for entry in self.history:
            folded = ward.evolve(folded, entry)
        assert folded == self.state
        assert msgspec.msgpack.encode(folded) == msgspec.msgpack.encode(self.state)


TestWard = WardMachine.TestCase
TestWard.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
