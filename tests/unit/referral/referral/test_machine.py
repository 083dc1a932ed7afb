"""Random commands by random people at random times: what holds after every step of every history."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.referral.domain import commands as c
from services.referral.domain.commands import BedNews
from services.referral.domain.events import Event
from services.referral.domain.evolve import evolve
from services.referral.domain.offers_found import accepted_offer, open_offers
from services.referral.domain.referral import Referral, allowed_commands, deadlines, is_live, opened_child
from services.referral.domain.referral_state import TERMINAL, facilities_on, open_review
from services.referral.domain.referral_values import BedRegion, OfferState, ReferralState
from services.referral.domain.rehabilitation import RehabilitationTaskState, open_ends
from services.referral.domain.values import Direction, Scope
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.command import EventMetadata
from services.shared.kernel.refusals import NotAllowed, Refused
from tests.unit.referral.referral.chart import CODEC, Chart
from tests.unit.referral.referral.drawn import BY_KIND, anybody, commands, creations, facilities
from tests.unit.referral.referral.network import SYSTEM, WUCAIWAN, person
from tests.unit.referral.referral.stories import CREATE, bed

S = ReferralState
ARRIVED = (S.ARRIVED, S.IN_TREATMENT, S.TREATED, S.CLOSED)
WAITING = (S.REQUESTED, S.INFO_REQUESTED)
WITH_DESTINATION = (S.ACCEPTED, S.TRANSPORT_ARRANGED, S.IN_TRANSIT, S.NO_SHOW, S.CANCEL_REQUESTED, *ARRIVED)


class ReferralMachine(RuleBasedStateMachine):
    """One referral; the clock and everybody around it are random."""

    def __init__(self) -> None:
        super().__init__()
        self.chart = Chart()

    @initialize(command=creations, origin=facilities)
    def create(self, command: c.CreateReferral, origin: str) -> None:
        """Whatever the norms let pass; else the stroke of case J1."""
        self._try(command, person(origin, Role.CLINICIAN))
        if self.chart.state is None:
            self._try(CREATE, WUCAIWAN)

    @rule(command=commands, actor=anybody)
    def somebody_tries(self, command: c.Command, actor: Actor) -> None:
        self._try(command, actor)

    @rule(command=commands, data=st.data())
    def a_party_tries(self, command: c.Command, data: st.DataObject) -> None:
        """Somebody who may, more often than not."""
        self._party_tries(command, data)

    @rule(data=st.data())
    def what_is_allowed_is_tried(self, data: st.DataObject) -> None:
        """So that histories get far."""
        allowed = allowed_commands(self.chart.referral)
        kinds = [kind for kind in BY_KIND if kind.__name__ in allowed]
        if kinds:
            self._party_tries(data.draw(BY_KIND[data.draw(st.sampled_from(kinds))]), data)

    @rule(data=st.data())
    def the_patient_dies(self, data: st.DataObject) -> None:
        if data.draw(st.integers(0, 15)) == 11:
            self._party_tries(c.RecordDeath(died_at=self.chart.now, certifier="张医生"), data)

    def _party_tries(self, command: c.Command, data: st.DataObject) -> None:
        facility = data.draw(st.sampled_from((*facilities_on(self.chart.referral), "ambulance-120")))
        roles = (Role.CLINICIAN, Role.REFERRAL_OFFICE, Role.AMBULANCE, Role.COORDINATOR)
        self._try(command, person(facility, *roles))

    @rule(news=st.sampled_from(list(BedNews)), number=st.integers(1, 4), here=st.booleans())
    def the_bed_service_speaks(self, news: BedNews, number: int, here: bool) -> None:
        facility = self.chart.referral.destination_facility if here else "jimsar-general"
        self._try(bed(news, number, facility=facility), SYSTEM)

    @rule(late=st.booleans(), one_in_four=st.integers(0, 3))
    def a_deadline_is_due(self, late: bool, one_in_four: int) -> None:
        if one_in_four == 0 and deadlines(self.chart.referral):
            self.chart.due()
            if late:
                self.chart.later(days=3)

    @rule(minutes=st.integers(0, 600))
    def time_passes(self, minutes: int) -> None:
        self.chart.later(minutes=minutes)

    def _try(self, command: c.Command, actor: Actor) -> None:
        before = self.chart.state
        number = len(self.chart.events)
        try:
            self.chart.when(command, actor)
        except NotAllowed as refusal:
            assert before is None or refusal.state == before.state.value
            assert refusal.failed_rules
        except Refused:
            pass
        for event in self.chart.events[number:]:
            self._child_fits(event, actor)
        if self.chart.state is not None:
            if before is not None and before.state in TERMINAL:
                assert self.chart.referral.state in (before.state, S.ENTERED_IN_ERROR)
            if before is not None and type(command).__name__ not in allowed_commands(before):
                internal = isinstance(command, c.FollowBed | c.FollowStanding | c.MeetDeadline)
                assert internal or self.chart.referral == before

    def _child_fits(self, event: Event, actor: Actor) -> None:
        """What opens a child opens one that can begin."""
        chart = self.chart
        context = chart.context(actor)
        metadata = EventMetadata(
            event_id="event",
            aggregate_id=chart.name,
            version=len(chart.events),
            type=type(event).__name__,
            occurred_at=context.occurred_at,
            recorded_at=context.recorded_at,
            actor=actor,
            request_id=context.request_id,
        )
        opened = opened_child(chart.referral, event, metadata, chart.directory, chart.policy)
        if opened is not None:
            child = Chart(name=opened[0], now=chart.now)
            child.take([opened[1]], context)
            assert child.referral.state is S.REQUESTED
            assert not is_live(chart.referral)

    @invariant()
    def at_most_one_offer_is_accepted(self) -> None:
        if self.chart.state is not None:
            accepted = [each for each in self.chart.state.offers if each.state is OfferState.ACCEPTED]
            assert len(accepted) <= 1
            if self.chart.state.state in WITH_DESTINATION:
                assert accepted[0].facility == self.chart.state.destination_facility

    @invariant()
    def somebody_is_asked_as_long_as_it_is_requested(self) -> None:
        state = self.chart.state
        if state is not None:
            assert bool(open_offers(state.offers)) == (state.state in WAITING)

    @invariant()
    def the_custodian_is_who_has_the_patient(self) -> None:
        state = self.chart.state
        if state is None:
            return
        accepted = accepted_offer(state.offers)
        if state.state in ARRIVED:
            assert accepted is not None
            assert state.custodian_facility == accepted.facility
        elif state.state not in (S.DECEASED, S.ENTERED_IN_ERROR):
            assert state.custodian_facility == state.origin_facility

    @invariant()
    def terminal_waits_for_nobody(self) -> None:
        state = self.chart.state
        if state is not None:
            keys = [deadline.key for deadline in deadlines(state)]
            assert len(keys) == len(set(keys))
            assert state.state not in TERMINAL or not keys
            assert state.state in TERMINAL or is_live(state) or state.referred_back_to or state.reopened_as
            if state.state in (*WAITING, S.DECLINED, S.AWAITING_APPROVAL, S.CANCEL_REQUESTED):
                assert keys

    @invariant()
    def a_complete_record_waits_for_nobody(self) -> None:
        state = self.chart.state
        if state is not None:
            assert (state.record_completed_at is None) == bool(state.missing_elements)
            waits = any(deadline.key == "record" for deadline in deadlines(state))
            assert not waits or (state.missing_elements and not state.record_overdue)
            late = [each.late for each in state.record_completions]
            assert late == sorted(late)
            assert state.record_due_at is not None or not any(late)

    @invariant()
    def what_leaves_the_county_unapproved_is_reviewed(self) -> None:
        state = self.chart.state
        if state is None:
            return
        accepted, review = accepted_offer(state.offers), open_review(state)
        leaves = accepted is not None and (accepted.scope, state.approved) == (Scope.OUT_OF_COUNTY, False)
        if review is not None:
            assert state.state not in TERMINAL
            assert leaves
            assert review.facility == state.approval_facility
            keys = [deadline.key for deadline in deadlines(state) if deadline.key.startswith("review")]
            assert len(keys) == (0 if review.overdue else 1)
        elif leaves and state.state not in TERMINAL and accepted is not None:
            assert accepted.direction is Direction.DOWN or state.review is not None

    @invariant()
    def versions_are_contiguous(self) -> None:
        assert self.chart.state is None or self.chart.state.version == len(self.chart.stored)

    @invariant()
    def a_plan_is_kept(self) -> None:
        """Tasks have names of their own; none is missed before its time; a closed loop has no open end."""
        state = self.chart.state
        if state is None or state.rehabilitation_plan is None:
            return
        plan = state.rehabilitation_plan
        assert [task.id for task in plan.tasks] == [f"t{number + 1}" for number in range(len(plan.tasks))]
        for task in plan.tasks:
            assert task.state is not None
            assert task.due_at is not None
            if task.state is RehabilitationTaskState.MISSED:
                assert task.due_at <= self.chart.now
                assert task.was_missed
        if state.state is S.CLOSED and state.direction is Direction.DOWN:
            assert not open_ends(plan)

    @invariant()
    def no_bed_is_invented(self) -> None:
        state = self.chart.state
        if state is not None and state.bed_region not in (BedRegion.NOT_NEEDED, BedRegion.REQUESTED):
            assert state.bed is not None
        if state is not None and state.bed_region is BedRegion.HELD and state.state not in TERMINAL:
            assert state.bed is not None
            assert state.bed.facility == state.destination_facility

    def teardown(self) -> None:
        state: Referral | None = None
        for stored in self.chart.stored:
            state = evolve(state, CODEC.decode(stored))
        assert state == self.chart.state


ReferralMachine.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
TestReferralMachine = ReferralMachine.TestCase
