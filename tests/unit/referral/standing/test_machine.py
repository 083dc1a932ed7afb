"""Random commands at random times on one standing order: what holds after every step of every history."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.referral.domain import standing as orders
from services.referral.domain import standing_commands as c
from services.referral.domain.standing_fold import evolve
from services.referral.domain.standing_state import TAKING_TIME, VISITS_KEPT, StandingOrder
from services.referral.domain.standing_transitions import INTERNAL
from services.referral.domain.standing_values import StandingOrderState, VisitAsker, VisitState, Weekday
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.refusals import Refused
from tests.unit.referral.referral.network import QITAI, SYSTEM, WUCAIWAN, person
from tests.unit.referral.standing.scenario import CODEC, NO_REASON, PLAN, SCHEDULE, WHY, Series

visits = st.integers(1, 30).map(lambda number: f"v{number}")
reasons = st.sampled_from([WHY, WHY, WHY, NO_REASON])
actors = st.sampled_from([QITAI, QITAI, WUCAIWAN, person("qitai-people", Role.BED_DESK)])
plans = st.builds(
    replace,
    st.just(PLAN),
    weekdays=st.lists(st.sampled_from(list(Weekday)), min_size=1, unique=True).map(tuple),
    at=st.sampled_from(["08:00", "14:00", "23:30"]),
    ends_on=st.sampled_from(["2026-03-10", "2026-04-20", "2026-05-15"]),
    duration_minutes=st.sampled_from([30, 240, 720]),
)


class StandingMachine(RuleBasedStateMachine):
    """One order; the clock and everybody around it are random."""

    def __init__(self) -> None:
        super().__init__()
        self.series = Series()
        self.met: set[tuple[str, str]] = set()

    @initialize(plan=plans)
    def schedule(self, plan: object) -> None:
        self.series.when(replace(SCHEDULE, plan=plan))  # type: ignore[arg-type]

    def _try(self, command: c.StandingCommand, actor: Actor) -> None:
        before = self.series.order
        try:
            self.series.when(command, actor)
        except Refused:
            assert self.series.order == before
        if type(command) not in INTERNAL and type(command).__name__ not in orders.allowed_commands(before):
            assert self.series.order == before

    @rule(visit=visits, actor=actors)
    def somebody_came(self, visit: str, actor: Actor) -> None:
        self._try(c.RecordVisit(visit=visit), actor)

    @rule(actor=actors)
    def today_s_patient_came(self, actor: Actor) -> None:
        for visit in self.series.order.visits:
            if visit.state is VisitState.SCHEDULED:
                self._try(c.RecordVisit(visit=visit.id), actor)
                return

    @rule(visit=visits, actor=actors)
    def somebody_did_not_come(self, visit: str, actor: Actor) -> None:
        self._try(c.ReportMissedVisit(visit=visit), actor)

    @rule(visit=visits, hours=st.integers(-10, 400), reason=reasons, actor=actors)
    def a_visit_is_moved(self, visit: str, hours: int, reason: object, actor: Actor) -> None:
        starts_at = self.series.now + timedelta(hours=hours)
        command = c.MoveVisit(visit=visit, starts_at=starts_at, reason=WHY, asked_by=VisitAsker.PATIENT)
        self._try(replace(command, reason=reason), actor)  # type: ignore[arg-type]

    @rule(ahead=st.integers(-2, 20), length=st.sampled_from([None, 0, 3, 14]), actor=actors)
    def it_is_suspended(self, ahead: int, length: int | None, actor: Actor) -> None:
        until = "" if length is None else self._day(ahead + length)
        self._try(c.SuspendStanding(from_on=self._day(ahead), until_on=until, reason=WHY), actor)

    @rule(ahead=st.integers(-2, 20), actor=actors)
    def it_is_resumed(self, ahead: int, actor: Actor) -> None:
        self._try(c.ResumeStanding(from_on=self._day(ahead)), actor)

    @rule(one_in_ten=st.integers(0, 9), actor=actors)
    def it_is_ended(self, one_in_ten: int, actor: Actor) -> None:
        if one_in_ten == 7:
            self._try(c.EndStanding(reason=WHY), actor)

    @rule(hours=st.integers(0, 200))
    def time_passes(self, hours: int) -> None:
        self.series.later(hours=hours)

    @rule(data=st.data())
    def a_deadline_is_met(self, data: st.DataObject) -> None:
        """In any order of those that are due, as several workers would."""
        due = [each for each in orders.deadlines(self.series.order) if each.due_at <= self.series.now]
        if not due:
            return
        deadline = data.draw(st.sampled_from(due))
        assert self.series.when(c.MeetDeadline(key=deadline.key), SYSTEM)
        assert self.series.when(c.MeetDeadline(key=deadline.key), SYSTEM) == ()
        if deadline.key.startswith(("visit:", "complete")):
            met = (deadline.key, deadline.due_at.isoformat())
            assert met not in self.met
            self.met.add(met)

    def _day(self, ahead: int) -> str:
        return (self.series.now + timedelta(days=ahead)).date().isoformat()

    @invariant()
    def no_two_visits_are_at_one_time(self) -> None:
        if self.series.state is None:
            return
        length = timedelta(minutes=self.series.order.plan.duration_minutes)
        taken = sorted(visit.starts_at for visit in self.series.order.visits if visit.state in TAKING_TIME)
        assert all(later - earlier >= length for earlier, later in pairwise(taken))

    @invariant()
    def every_visit_waits_for_its_deadline_or_is_over(self) -> None:
        state = self.series.state
        if state is None:
            return
        keys = [deadline.key for deadline in orders.deadlines(state)]
        assert len(keys) == len(set(keys))
        waiting = {visit.id for visit in state.visits if visit.state is VisitState.SCHEDULED}
        assert {key.removeprefix("visit:") for key in keys if key.startswith("visit:")} == waiting
        if state.state in (StandingOrderState.ENDED, StandingOrderState.COMPLETED):
            assert not keys
            assert not waiting
        assert len(state.visits) - len(waiting) <= VISITS_KEPT

    @invariant()
    def every_visit_that_was_made_is_counted(self) -> None:
        state = self.series.state
        if state is None:
            return
        waiting = sum(visit.state is VisitState.SCHEDULED for visit in state.visits)
        counted = state.attended_count + state.missed_count + state.moved_count + state.cancelled_count
        assert counted + waiting == state.visits_made
        assert state.missed_in_a_row <= state.missed_count
        assert all(visit.day <= state.scheduled_until for visit in state.visits)
        assert state.scheduled_until <= state.plan.ends_on

    def teardown(self) -> None:
        state: StandingOrder | None = None
        for stored in self.series.stored:
            state = evolve(state, CODEC.decode(stored))
        assert state == self.series.state
        if state is not None and orders.is_live(state):
            self._finish()

    def _finish(self) -> None:
        """Whatever happened, the deadlines alone bring it to its end."""
        for _ in range(400):
            open_now = orders.deadlines(self.series.order)
            if not open_now:
                break
            self.series.due(min(open_now, key=lambda each: each.due_at).key)
        assert self.series.order.state is StandingOrderState.COMPLETED


StandingMachine.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
TestStandingMachine = StandingMachine.TestCase
