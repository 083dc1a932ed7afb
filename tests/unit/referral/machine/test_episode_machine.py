"""Random commands by random people at random times on all referrals of one episode, and due deadlines.

`--hypothesis-profile=long` makes a long run of it.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.referral.domain import commands as c
from services.referral.domain import events as e
from services.referral.domain.commands import BedNews
from services.referral.domain.events import Event
from services.referral.domain.referral import (
    allowed_commands,
    child_needed,
    deadlines,
    is_live,
    opened_child,
)
from services.referral.domain.referral_state import facilities_on
from services.referral.domain.referral_values import Consent
from services.referral.domain.transfer_prefill import ReferralDraft, prefilled
from services.referral.domain.values import BedType
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.command import EventMetadata
from services.shared.kernel.ids import resource_name
from services.shared.kernel.refusals import NotAllowed, Refused
from tests.unit.referral.machine.forward import next_command
from tests.unit.referral.machine.invariants import TERMINAL, check_episode, check_referral, check_trail
from tests.unit.referral.machine.witness import Witness
from tests.unit.referral.referral.chart import Chart
from tests.unit.referral.referral.drawn import anybody, commands, creations, destinations, facilities
from tests.unit.referral.referral.network import START, SYSTEM, WUCAIWAN, person
from tests.unit.referral.referral.stories import CREATE, bed
from tests.unit.referral.referral.test_transfer_prefill import answered

_ROLES = (Role.CLINICIAN, Role.REFERRAL_OFFICE, Role.AMBULANCE, Role.COORDINATOR)
#: What may happen to a referral that has ended: somebody calls it an error, and what becomes of that word.
_AFTER_THE_END = (e.ErrorMarkRequested, e.ErrorMarkWithdrawn, e.ErrorMarkLapsed, e.EnteredInError)
_INTERNAL = (c.FollowBed, c.FollowStanding, c.MeetDeadline)

indices = st.integers(0, 9)
seeds = st.integers(0, 2**32 - 1)


class EpisodeMachine(RuleBasedStateMachine):
    """One episode with every referral that comes of it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.charts: list[Chart] = []
        self.witnesses: dict[str, Witness] = {}
        self.fired: set[tuple[str, str]] = set()

    # ---- what can happen

    @initialize(command=creations, origin=facilities)
    def create(self, command: c.CreateReferral, origin: str) -> None:
        """Whatever the norms let pass; else the stroke of case J1."""
        self._create(command, person(origin, Role.CLINICIAN))
        if not self.charts:
            self._create(CREATE, WUCAIWAN)

    @rule(command=creations, actor=anybody)
    def another_is_created(self, command: c.CreateReferral, actor: Actor) -> None:
        """In the same episode: while one is live, nobody can."""
        self._create(command, actor)

    @rule(bed_type=st.sampled_from([None, BedType.ICU]), said=destinations | st.just(()))
    def a_transfer_is_recommended(self, bed_type: BedType | None, said: tuple[str, ...]) -> None:
        """The referral that a centre's recommendation fills in, as far as its caller says nothing."""
        first = self.charts[0].referral
        consultation = replace(answered(), episode=first.episode, patient=first.patient)
        draft = ReferralDraft(
            patient=first.patient,
            consent=Consent(recorded=True),
            consultation=consultation.name,
            destinations=said,
            bed_type=bed_type,
        )
        before = len(self.charts)
        self._create(prefilled(draft, consultation), WUCAIWAN)
        for chart in self.charts[before:]:
            assert chart.referral.consultation == consultation.name
            assert chart.referral.bed_type is (bed_type or BedType.ICU)

    @rule(index=indices, command=commands, actor=anybody)
    def somebody_tries(self, index: int, command: c.Command, actor: Actor) -> None:
        self._give(self._chart(index), command, actor)

    @rule(index=indices, command=commands, late=st.sampled_from((0, 0, 5, 90, 3000)), data=st.data())
    def a_party_tries(self, index: int, command: c.Command, late: int, data: st.DataObject) -> None:
        """At once, or entered so many minutes after it happened."""
        chart = self._chart(index)
        self._give(chart, command, self._party(chart, data), self.now - timedelta(minutes=late))

    @rule(seed=seeds)
    def it_goes_on(self, seed: int) -> None:
        """Some good steps, and due deadlines between them, each checked like any other.

        Drawn one by one they would be too few: histories must get to their ends.
        """
        chance = Random(seed)
        for _ in range(chance.randint(1, 12)):
            chart = chance.choice(self.charts[-2:])
            self.now += timedelta(minutes=chance.choice((0, 1, 5, 60)))
            chosen = next_command(chart.referral, chance.getrandbits(16))
            if chosen is not None and chance.random() < 0.8:
                self._give(chart, *chosen)
            elif deadlines(chart.referral):
                self._meet(chart)
            self.every_referral_is_sound()
            self.the_episode_is_sound()

    @rule(index=indices, data=st.data())
    def the_patient_dies(self, index: int, data: st.DataObject) -> None:
        chart = self._chart(index)
        if data.draw(st.integers(0, 7)) == 5:
            dies = c.RecordDeath(died_at=self.now, certifier="张医生")
            self._give(chart, dies, self._party(chart, data))

    @rule(index=indices, news=st.sampled_from(list(BedNews)), number=st.integers(1, 4), here=st.booleans())
    def the_bed_service_speaks(self, index: int, news: BedNews, number: int, here: bool) -> None:
        chart = self._chart(index)
        facility = chart.referral.destination_facility if here else "jimsar-general"
        self._give(chart, bed(news, number, facility=facility), SYSTEM)

    @precondition(lambda self: any(deadlines(chart.referral) for chart in self.charts))
    @rule(index=indices, sometimes=st.integers(0, 3))
    def a_deadline_is_due(self, index: int, sometimes: int) -> None:
        waiting = [chart for chart in self.charts if deadlines(chart.referral)]
        if not sometimes:
            self._meet(waiting[index % len(waiting)])

    @rule(minutes=st.integers(0, 600))
    def time_passes(self, minutes: int) -> None:
        self._chart(0).now = self.now
        self.now = self._chart(0).later(minutes=minutes).now

    # ---- how it is given

    def _meet(self, chart: Chart) -> None:
        """Its first deadline, at its time; given twice: a worker may die before it says so."""
        due = min(deadlines(chart.referral), key=lambda deadline: deadline.due_at)
        self.now = max(self.now, due.due_at)
        assert (chart.name, due.key) not in self.fired, f"{due.key} is open again"
        meets = c.MeetDeadline(key=due.key)
        assert self._give(chart, meets, SYSTEM), f"{due.key} gave nothing"
        self.fired.add((chart.name, due.key))
        assert due.key not in [deadline.key for deadline in deadlines(chart.referral)]
        assert not self._give(chart, meets, SYSTEM), f"{due.key} fired twice"

    def _chart(self, index: int) -> Chart:
        return self.charts[index % len(self.charts)]

    def _party(self, chart: Chart, data: st.DataObject) -> Actor:
        facility = data.draw(st.sampled_from((*facilities_on(chart.referral), "ambulance-120")))
        return person(facility, *_ROLES)

    def _live(self) -> tuple[str, ...]:
        return tuple(chart.name for chart in self.charts if is_live(chart.referral))

    def _create(self, command: c.CreateReferral, actor: Actor) -> None:
        live = self._live()
        chart = Chart(name=resource_name("referrals", "machine", str(len(self.charts))), now=self.now)
        chart.live, chart.episode_patient = live, self.charts[0].referral.patient if self.charts else None
        episode = self.charts[0].referral.episode if self.charts else ""
        try:
            found = chart.when(replace(command, episode=episode), actor)
        except Refused:
            assert chart.state is None
            return
        assert not live, "a second live referral"
        self._keep(chart, found)

    def _give(
        self, chart: Chart, command: c.Command, actor: Actor, occurred_at: datetime | None = None
    ) -> tuple[Event, ...]:
        """The command as the application gives it; what it opens is opened in the same step."""
        before, stored = chart.referral, len(chart.stored)
        name = type(command).__name__
        chart.now, chart.live = self.now, self._live()
        needed = child_needed(before, command)
        chart.child = next((each.state for each in self.charts if each.name == needed), None)
        try:
            found = chart.when(command, actor, occurred_at)
        except Refused as refusal:
            assert chart.referral is before
            assert len(chart.stored) == stored
            if isinstance(refusal, NotAllowed):
                assert refusal.state == before.state.value
                assert refusal.failed_rules
                assert refusal.allowed_commands == allowed_commands(before)
            return ()
        if found and not isinstance(command, _INTERNAL):
            assert name in allowed_commands(before), f"{name} succeeded in {before.state}"
        if before.state in TERMINAL:
            assert all(isinstance(event, _AFTER_THE_END) for event in found), found
        self._hear(chart, found)
        for event in found:
            self._open_child(chart, event, actor)
        return found

    def _open_child(self, parent: Chart, event: Event, actor: Actor) -> None:
        context = parent.context(actor)
        metadata = EventMetadata(
            event_id="",
            aggregate_id=parent.name,
            version=parent.referral.version,
            type=type(event).__name__,
            occurred_at=context.occurred_at,
            recorded_at=context.recorded_at,
            actor=actor,
            request_id=context.request_id,
        )
        opened = opened_child(parent.referral, event, metadata, parent.directory, parent.policy)
        if opened is not None:
            child = Chart(name=opened[0], now=self.now)
            child.take([opened[1]], context)
            assert child.referral.parent == parent.name
            assert not is_live(parent.referral)
            self._keep(child, (opened[1],))

    def _keep(self, chart: Chart, found: tuple[Event, ...]) -> None:
        assert all(chart.name != each.name for each in self.charts)
        self.charts.append(chart)
        self.witnesses[chart.name] = Witness()
        self._hear(chart, found)

    def _hear(self, chart: Chart, found: tuple[Event, ...]) -> None:
        for event in found:
            self.witnesses[chart.name].hears(event)
        if found:
            check_trail(chart)

    # ---- what must hold

    @invariant()
    def every_referral_is_sound(self) -> None:
        for chart in self.charts:
            check_referral(chart, self.witnesses[chart.name], chart.policy)

    @invariant()
    def the_episode_is_sound(self) -> None:
        check_episode(chart.referral for chart in self.charts)


_LONG = settings.get_current_profile_name() == "long"

EpisodeMachine.TestCase.settings = settings(
    max_examples=3000 if _LONG else 150,
    stateful_step_count=120 if _LONG else 50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
TestEpisodeMachine = EpisodeMachine.TestCase
