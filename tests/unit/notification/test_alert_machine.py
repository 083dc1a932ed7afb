"""Random triggers, answers, deadlines and settlements of a few alerts, named as the service names them."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.notification.domain import alert
from services.notification.domain import commands as ask
from services.notification.domain import events as happened
from services.notification.domain.values import (
    AlertState,
    CodedReason,
    Delivery,
    DeliveryOutcome,
    EscalationStep,
)
from services.shared.kernel.actor import Actor
from services.shared.kernel.command import CommandContext, EventMetadata, Recorded
from services.shared.kernel.refusals import NotAllowed
from tests.unit.notification.scenario import COORDINATOR, DUTY, NOW, REQUEST, SYSTEM, TRIGGER, escalation_step

KEYS = ("OFFER/referrals/1/offers/1", "OFFER/referrals/2/offers/2")
USERS = ("dr-li", "dr-wang", "dr-zhao", "platform-duty")

steps = st.builds(
    lambda users, repeat_s, rounds: escalation_step("duty", *users, repeat_s=repeat_s, rounds=rounds),
    st.lists(st.sampled_from(USERS), min_size=1, max_size=2, unique=True),
    st.sampled_from([60, 120]),
    st.integers(1, 3),
)
policies = st.lists(steps, max_size=3).map(tuple)
keys = st.sampled_from(KEYS)


class AlertsOfOneService(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.causes = 0
        self.latest: dict[str, alert.Alert] = {}
        self.states: dict[str, alert.Alert] = {}
        self.events: dict[str, list[Recorded[alert.AlertEvent]]] = {}

    def _do(self, name: str, command: alert.AlertCommand, by: Actor = SYSTEM) -> tuple[alert.AlertEvent, ...]:
        told = CommandContext(request_id=REQUEST, actor=by, occurred_at=self.now, recorded_at=self.now)
        before = self.states.get(name)
        events = alert.decide(before, command, told)
        if before is not None and before.state is AlertState.ACKNOWLEDGED:
            assert not any(isinstance(event, happened.AlertEscalated) for event in events)
        for event in events:
            history = self.events.setdefault(name, [])
            metadata = EventMetadata(
                event_id=f"{name}-{len(history) + 1}",
                aggregate_id=name,
                version=len(history) + 1,
                type=type(event).__name__,
                occurred_at=self.now,
                recorded_at=self.now,
                actor=by,
                request_id=REQUEST,
            )
            history.append(Recorded(event=event, metadata=metadata))
            self.states[name] = alert.evolve(self.states.get(name), history[-1])
        if name in self.states:
            self.latest[self.states[name].dedup_key] = self.states[name]
        return events

    @rule(key=keys, escalation=policies, again=st.booleans())
    def trigger(self, key: str, escalation: tuple[EscalationStep, ...], again: bool) -> None:
        self.causes += 0 if again else 1
        command = replace(
            TRIGGER,
            dedup_key=key,
            subject=key.partition("/offers")[0],
            escalation=escalation,
            cause_event_id=f"e-{key}-{self.causes}",
        )
        latest = self.latest.get(key)
        if latest is not None and latest.cause_event_id == command.cause_event_id:
            assert self._do(latest.name, command) == ()
            return
        events = self._do(alert.alert_name(key, latest), command)
        new = latest is None or latest.state is AlertState.RESOLVED
        assert [type(event) for event in events] == [
            happened.AlertTriggered if new else happened.AlertRetriggered
        ]

    @rule(key=keys, by=st.sampled_from([DUTY, COORDINATOR]))
    def acknowledge(self, key: str, by: Actor) -> None:
        self._answer(key, ask.AcknowledgeAlert(), by)

    @rule(key=keys)
    def resolve(self, key: str) -> None:
        self._answer(key, ask.ResolveAlert(reason=CodedReason(code="HANDLED")), DUTY)

    def _answer(self, key: str, command: ask.AcknowledgeAlert | ask.ResolveAlert, by: Actor) -> None:
        if key not in self.latest:
            return
        before = self.latest[key]
        allowed = type(command).__name__ in alert.allowed_commands(before)
        try:
            events = self._do(before.name, command, by)
        except NotAllowed as refusal:
            assert not allowed
            assert refusal.allowed_commands == alert.allowed_commands(before)
        else:
            assert allowed and len(events) == 1

    @rule(key=keys)
    def settle(self, key: str) -> None:
        if key in self.latest:
            command = ask.SettleAlert(resolution="ReferralAccepted", cause_event_id="another")
            self._do(self.latest[key].name, command)
            assert self.latest[key].state is AlertState.RESOLVED

    @rule(seconds=st.integers(1, 400))
    def time_passes(self, seconds: int) -> None:
        """The deadline worker gives each due deadline's command, and sees it gone or moved on."""
        self.now += timedelta(seconds=seconds)
        for name, state in list(self.states.items()):
            for deadline in alert.deadlines(state):
                if deadline.due_at > self.now:
                    assert self._do(name, ask.MeetDeadline(key=deadline.key)) == ()
                    continue
                (event,) = self._do(name, ask.MeetDeadline(key=deadline.key))
                assert isinstance(event, happened.AlertEscalated)
                self._check_call(state, event)
                assert all(left.due_at > self.now for left in alert.deadlines(self.states[name]))

    def _check_call(self, before: alert.Alert, event: happened.AlertEscalated) -> None:
        """One step at a time, in order, never beyond the last."""
        assert 0 <= event.escalation_step < len(before.escalation)
        assert 1 <= event.escalation_round <= before.escalation[event.escalation_step].rounds
        called = (event.escalation_step, event.escalation_round)
        came_from = (before.escalation_step, before.escalation_round)
        assert (called == came_from) if event.exhausted else (called > came_from)
        assert event.exhausted == (event.next_call_at is None)
        recipients = [item.user for item in before.escalation[event.escalation_step].recipients]
        assert [item.recipient for item in event.deliveries] == ([] if event.exhausted else recipients)

    @rule(key=keys, outcome=st.sampled_from(DeliveryOutcome), user=st.sampled_from(USERS))
    def receipt(self, key: str, outcome: DeliveryOutcome, user: str) -> None:
        if key in self.latest:
            delivery = Delivery(
                recipient=user, channel="sms", outcome=outcome, attempted_at=NOW, step=0, round=1
            )
            self._do(self.latest[key].name, ask.RecordDelivery(delivery=delivery))

    @invariant()
    def at_most_one_alert_with_a_key_is_open(self) -> None:
        for key in KEYS:
            live = [
                state
                for state in self.states.values()
                if state.dedup_key == key and state.state is not AlertState.RESOLVED
            ]
            assert len(live) <= 1
            assert live in ([], [self.latest.get(key)])

    @invariant()
    def state_is_the_fold(self) -> None:
        for name, state in self.states.items():
            folded: alert.Alert | None = None
            for entry in self.events[name]:
                folded = alert.evolve(folded, entry)
            assert folded == state

    @precondition(lambda self: self.states)
    @invariant()
    def never_silent_before_the_end_and_never_loud_after_the_answer(self) -> None:
        for state in self.states.values():
            calling = bool(alert.deadlines(state))
            if state.state is not AlertState.TRIGGERED:
                assert not calling
            else:
                assert calling == (bool(state.escalation) and not state.escalation_exhausted)


AlertsOfOneService.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestAlertsOfOneService = AlertsOfOneService.TestCase
