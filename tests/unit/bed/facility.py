"""A facility with its wards, desk and use cases, over the store's double: what aggregates do together."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from services.bed.adapters.aggregate_codecs import build_aggregates
from services.bed.application.apply_wards import WardApplication
from services.bed.application.change_ward import change_ward
from services.bed.application.encounters import Encounters
from services.bed.application.finding_wards import WardFinder
from services.bed.application.follow_referral import BedWanted, FollowReferral, PatientDiverted, ReferralMoved
from services.bed.application.hold_bed import Holding
from services.bed.application.meet_deadline import meet_deadline
from services.bed.application.wait_for_bed import WaitingLists
from services.bed.application.ward_recording import WardRecorder
from services.bed.domain import bed_desk, ward
from services.bed.domain import commands as ask
from services.bed.domain.bed_desk import BedDesk
from services.bed.domain.commands import ApplyWard
from services.bed.domain.desk_commands import JoinWaitingList, LeaveWaitingList
from services.bed.domain.desk_events import DeskEvent, WaitingServed
from services.bed.domain.events import BedHeld, Event
from services.bed.domain.fitting import misfit
from services.bed.domain.state import Ward, bed_by_id
from services.bed.domain.values import BedConstraints, BedState, BedType, CodedReason, Urgency
from services.bed.domain.waiting import next_served, ordered
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.work import UseCase
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.command import CommandContext, Recorded
from services.shared.kernel.ids import derive_id
from tests.doubles.memory_store import MemoryEventStore

from .scenario import BED_DESK, HOSPITAL, NOW, SYSTEM, person

TYPE = BedType.STROKE_UNIT
GONE = CodedReason(code="REFERRAL_CANCELLED")


def referral(number: int) -> str:
    return f"referrals/{number:08d}-0000-4000-8000-000000000000"


class Facility:
    """Commands as the entrypoints give them; every one is followed by `check`."""

    def __init__(self, store: MemoryEventStore | None = None) -> None:
        """Another process of the same service, where it is given another facility's store."""
        self.store = store or MemoryEventStore()
        self.kinds = build_aggregates()
        self.runner = CommandRunner(self.store)
        self.now: datetime = NOW
        #: who admits, transfers and discharges
        self.by: Actor = BED_DESK
        self._process = "" if store is None else f"{id(self)}"
        self._requests = 0
        self.finder = finder = WardFinder(self.store, self.kinds)
        recorder = WardRecorder(self.kinds)
        self._holding = Holding(self.store, self.kinds, finder, recorder)
        self._following = FollowReferral(self.store, self.kinds, finder, recorder, self._holding)
        self._lists = WaitingLists(self.store, self.kinds, finder, self.runner)
        self._encounters = Encounters(self.store, self.kinds, finder, recorder)
        self._application = WardApplication(self.store, self.runner, self.kinds, recorder)

    # Commands

    def context(self, by: Actor, request: str = "") -> CommandContext:
        self._requests += 1
        self.now += timedelta(seconds=1)
        name = request or derive_id("request", self._process, str(self._requests))
        return CommandContext(request_id=name, actor=by, occurred_at=self.now, recorded_at=self.now)

    async def _run(self, use_case: UseCase[Any], kind: Any, by: Actor, request: str) -> Any:
        context = self.context(by, request)
        reply = await self.runner.run(use_case, context, kind=kind, target="facility", digest=b"d" * 32)
        self.check()
        return reply.state

    async def _react(self, reaction: Callable[[Any], Awaitable[None]]) -> None:
        await self.runner.react(reaction, self.context(SYSTEM), target="facility", inbox=None)
        self.check()

    async def apply(
        self,
        name: str,
        beds: int | Sequence[BedConstraints],
        bed_type: BedType = TYPE,
        reserved: int = 0,
        at: str = HOSPITAL,
    ) -> Ward:
        constraints = [BedConstraints()] * beds if isinstance(beds, int) else beds
        specified = tuple(
            ask.BedSpecification(id=f"{name}-{number}", constraints=each)
            for number, each in enumerate(constraints, start=1)
        )
        described = ask.WardSpecification(
            id=name, bed_type=bed_type, beds=specified, reserved_for_referrals=reserved
        )
        command = ApplyWard(facility=at, ward=described)
        by = person(Role.BED_DESK, facility=at)
        await self._run(self._application.apply((command,)), self.kinds.ward, by, "")
        return self.ward(name)

    async def hold(self, number: int, request: str = "", by: Actor = BED_DESK, **fields: Any) -> Ward:
        """HoldBed by a bed desk."""
        use_case = self._holding.hold_bed(self.wanted(number, **fields))
        state: Ward = await self._run(use_case, self.kinds.ward, by, request)
        return state

    def wanted(self, number: int, **fields: Any) -> ask.HoldBed:
        asked: dict[str, Any] = {
            "facility": HOSPITAL,
            "referral": referral(number),
            "patient": f"p-{number}",
            "bed_type": TYPE,
            "expires_at": self.now + timedelta(hours=1),
        }
        return ask.HoldBed(**{**asked, **fields})

    async def accept(self, number: int, urgency: Urgency = Urgency.URGENT, **fields: Any) -> None:
        """ReferralAccepted."""
        wanted = self.wanted(number, urgency=urgency, record_refusal=True, **fields)
        await self._react(self._following.follow(BedWanted(hold=wanted)))

    async def divert(self, number: int, **fields: Any) -> None:
        wanted = self.wanted(number, record_refusal=True, patient_in_transit=True, **fields)
        news = PatientDiverted(referral=referral(number), reason=GONE, hold=wanted)
        await self._react(self._following.follow(news))

    async def follow(self, command: Any) -> None:
        await self._react(self._following.follow(ReferralMoved(command=command)))

    async def end(self, number: int, code: str = GONE.code) -> None:
        await self.follow(ask.GiveUpHold(referral=referral(number), reason=CodedReason(code=code)))

    async def do(self, command: ask.Command, name: str, request: str = "") -> Ward:
        """A command that names its ward, or a hold in it."""
        use_case = change_ward(self.kinds, command, f"wards/{name}")
        state: Ward = await self._run(use_case, self.kinds.ward, BED_DESK, request)
        return state

    async def meet_deadlines(self) -> int:
        """Every deadline that is due; returns how many were."""
        due = [key for key, deadline in self.store.deadlines.items() if deadline.due_at <= self.now]
        for stream_id, key in due:
            await self._react(meet_deadline(self.kinds, stream_id, key))
        return len(due)

    async def join(self, number: int, urgency: Urgency = Urgency.URGENT, **fields: Any) -> BedDesk:
        asked: dict[str, Any] = {"facility": HOSPITAL, "patient": f"p-{number}", "bed_type": TYPE}
        command = JoinWaitingList(referral=referral(number), urgency=urgency, **{**asked, **fields})
        state: BedDesk = await self._run(self._lists.join(command), self.kinds.desk, BED_DESK, "")
        return state

    async def leave(self, number: int) -> BedDesk:
        command = LeaveWaitingList(facility=HOSPITAL, referral=referral(number), reason=GONE)
        state: BedDesk = await self._run(self._lists.leave(command), self.kinds.desk, BED_DESK, "")
        return state

    async def admit(self, patient: str, encounter: str, request: str = "", **fields: Any) -> Ward:
        command = ask.AdmitPatient(patient=patient, encounter=encounter, facility=HOSPITAL, **fields)
        state: Ward = await self._run(self._encounters.admit(command), self.kinds.ward, self.by, request)
        return state

    async def transfer(self, encounter: str, **fields: Any) -> Ward:
        command = ask.TransferPatient(encounter=encounter, facility=HOSPITAL, **fields)
        state: Ward = await self._run(self._encounters.transfer(command), self.kinds.ward, BED_DESK, "")
        return state

    async def discharge(self, encounter: str) -> Ward:
        command = ask.DischargePatient(encounter=encounter, facility=HOSPITAL)
        state: Ward = await self._run(self._encounters.discharge(command), self.kinds.ward, BED_DESK, "")
        return state

    # What is read

    def ward(self, name: str) -> Ward:
        return self.kinds.ward.decode_state(self.store.streams[f"wards/{name}"].snapshot)

    def wards(self) -> tuple[Ward, ...]:
        names = [name for name in self.store.streams if name.startswith("wards/")]
        return tuple(self.ward(name.removeprefix("wards/")) for name in names)

    def desk(self, facility: str = HOSPITAL) -> BedDesk | None:
        stored = self.store.streams.get(bed_desk.stream_id(facility))
        return None if stored is None else self.kinds.desk.decode_state(stored.snapshot)

    def waiting(self) -> list[int]:
        desk = self.desk()
        return [int(entry.referral[10:18]) for entry in (desk.waiting if desk else ())]

    def bed_of(self, number: int) -> tuple[str, BedState] | None:
        found = [
            (bed.id, bed.state)
            for each in self.wards()
            for bed in each.beds
            if bed.hold is not None and bed.hold.referral == referral(number)
        ]
        assert len(found) <= 1, f"{referral(number)} has {found}"
        return found[0] if found else None

    def ward_events(self, name: str) -> list[Event]:
        stored = self.store.events.get(f"wards/{name}", [])
        return [self.kinds.ward.decode_event(event.payload).event for event in stored]

    def desk_events(self) -> list[Recorded[DeskEvent]]:
        stored = self.store.events.get(bed_desk.stream_id(HOSPITAL), [])
        return [self.kinds.desk.decode_event(event.payload) for event in stored]

    # What must hold

    def check(self) -> None:
        """After every command, whatever it was."""
        claims: dict[tuple[str, str], str] = {}
        for each in self.wards():
            parts = each.counts
            assert parts.free + parts.held + parts.occupied + parts.cleaning + parts.blocked == parts.beds
            assert parts == ward.envelope(each).counts
            claims.update({(claim.kind, claim.key): claim.holder for claim in ward.claims(each)})
        for name in [name for name in self.store.streams if name.startswith("desks/")]:
            desk = self.desk(name.removeprefix("desks/"))
            assert desk is not None
            claims.update({(claim.kind, claim.key): claim.holder for claim in bed_desk.claims(desk)})
            assert desk.waiting == ordered(desk.waiting)
            assert next_served(desk.waiting, self.wards()) is None, "a bed is free for one who waits"
        for kind, ended in self.store.documents:
            if kind == "ended-referral":
                assert ("referral-promise", ended) not in claims, "one that has ended has a bed, or waits"
                claims["referral-promise", ended] = "ended-referrals"
        assert self.store.claims == claims

    def check_history(self) -> None:
        """Everybody was served in order: who stood before them was fitted by no bed that they were given."""
        desk: BedDesk | None = None
        for recorded in self.desk_events():
            event = recorded.event
            if isinstance(event, WaitingServed):
                assert desk is not None
                self._check_turn(desk, event)
            desk = bed_desk.evolve(desk, recorded)
        assert desk == self.desk()
        for each in self.wards():
            folded = self.kinds.ward.fold(self.store.events[f"wards/{each.id}"])
            assert folded == each

    def _check_turn(self, desk: BedDesk, event: WaitingServed) -> None:
        state: Ward | None = None
        for stored in self.store.events[f"wards/{event.ward}"]:
            recorded = self.kinds.ward.decode_event(stored.payload)
            if isinstance(recorded.event, BedHeld) and recorded.event.hold.name == event.hold:
                break
            state = ward.evolve(state, recorded)
        assert state is not None
        bed = bed_by_id(state, event.bed)
        assert bed is not None
        assert bed.state is BedState.FREE
        place = desk.waiting.index(event.entry)
        for earlier in desk.waiting[:place]:
            fits = misfit(bed.constraints, state.bed_type, earlier) is not None
            assert earlier.bed_type is not state.bed_type or not fits, "somebody was passed over"
