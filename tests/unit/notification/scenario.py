"""given(events).when(command).then(events or refusal), for an alert of the stroke centre at `jimsar-general`.

Every state on the way is checked: its snapshot reads back and encodes to the same bytes, and every event
survives its protobuf message.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from services.notification.domain import alert
from services.notification.domain import commands as ask
from services.notification.domain import events as happened
from services.notification.domain.escalation import Escalation, call_id
from services.notification.domain.values import (
    AlertCall,
    Delivery,
    DeliveryOutcome,
    EscalationStep,
    Pathway,
    Recipient,
    Severity,
    Urgency,
)
from services.shared.kernel.actor import Actor, Role, system_actor
from services.shared.kernel.command import CommandContext
from services.shared.kernel.refusals import InvalidInput, NotAllowed, NotFound, NotPermitted, Refused
from services.shared.kernel.text import BilingualText
from tests.unit.notification.checked_fold import evolved

NOW = datetime(2025, 7, 4, 2, 30, tzinfo=UTC)
TWO_MINUTES = timedelta(minutes=2)
REQUEST = "1d0d8d1e-6a1f-4a3c-8f6e-3f1a0c5b7e11"
HOSPITAL, BRANCH, PREFECTURE = "jimsar-general", "wucaiwan", "changji-prefecture"
REFERRAL = "referrals/0b9c12ab-0000-4000-8000-000000000001"
OTHER_REFERRAL = "referrals/0b9c12ab-0000-4000-8000-000000000002"
CONSULTATION = "consultations/77aa12ab-0000-4000-8000-000000000001"
EPISODE = "episodes/5d5d12ab-0000-4000-8000-000000000001"
OFFER = "offers/0ffe12ab-0000-4000-8000-000000000001"
KEY = f"OFFER/{REFERRAL}/{OFFER}"
SYSTEM = system_actor("notification")
_NAME = alert.alert_name(KEY, None)


def person(*roles: Role, user: str = "dr-li", name: str = "李医师", facility: str = HOSPITAL) -> Actor:
    return Actor(user=user, name=name, facility=facility, roles=roles)


DUTY = person(Role.CLINICIAN)
COORDINATOR = person(Role.COORDINATOR, user="co-1", facility=PREFECTURE)


def context(
    by: Actor, *, at: datetime = NOW, recorded_at: datetime | None = None, request: str = REQUEST
) -> CommandContext:
    return CommandContext(request_id=request, actor=by, occurred_at=at, recorded_at=recorded_at or at)


def escalation_step(
    duty: str = "duty",
    *users: str,
    facility: str = HOSPITAL,
    repeat_s: int = 120,
    rounds: int = 10,
) -> EscalationStep:
    return EscalationStep(
        duty=duty,
        facility=facility,
        recipients=tuple(
            Recipient(user=user, name=user, channels=("sms",), roles=("STROKE",)) for user in users
        ),
        repeat_s=repeat_s,
        rounds=rounds,
    )


POLICY = (
    escalation_step("duty", "dr-li", "dr-wang", rounds=2),
    escalation_step("backup", "dr-zhao", rounds=1),
    escalation_step("fallback", "platform-duty", facility="", rounds=2),
)


def called(
    *users: str, step: int = 0, number: int = 1, at: datetime = NOW, run: int = 1, cause: str = "e-1"
) -> tuple[AlertCall, ...]:
    """The calls of one round of `POLICY`."""
    running = Escalation(steps=POLICY, dedup_key=KEY, cause_event_id=cause, run=run)
    return tuple(
        AlertCall(
            id=call_id(running, step=step, number=number, user=user),
            recipient=user,
            name=user,
            channels=("sms",),
            run=run,
            step=step,
            round=number,
            duty=POLICY[step].duty,
            facility=POLICY[step].facility,
            roles=("STROKE",),
            called_at=at,
        )
        for user in users
    )


def sent(user: str, step: int = 0, call: int = 1, at: datetime = NOW) -> Delivery:
    return Delivery(
        recipient=user,
        channel="stream",
        outcome=DeliveryOutcome.SENT,
        attempted_at=at,
        step=step,
        round=call,
    )


TRIGGER = ask.TriggerAlert(
    rule="OFFER",
    dedup_key=KEY,
    severity=Severity.CRITICAL,
    facility=HOSPITAL,
    role="STROKE",
    pathway=Pathway.STROKE,
    urgency=Urgency.EMERGENCY,
    subject=REFERRAL,
    episode=EPISODE,
    title=BilingualText(zh="急诊转诊申请：卒中", en="Emergency referral: stroke"),
    body=BilingualText(zh="请确认。", en="Acknowledge."),
    action="AcceptReferral",
    act_by=NOW + TWO_MINUTES,
    escalation=POLICY,
    cause_event_id="e-1",
)

TRIGGERED = happened.AlertTriggered(
    rule=TRIGGER.rule,
    dedup_key=TRIGGER.dedup_key,
    severity=TRIGGER.severity,
    facility=TRIGGER.facility,
    role=TRIGGER.role,
    pathway=TRIGGER.pathway,
    urgency=TRIGGER.urgency,
    subject=TRIGGER.subject,
    episode=TRIGGER.episode,
    title=TRIGGER.title,
    body=TRIGGER.body,
    action=TRIGGER.action,
    act_by=TRIGGER.act_by,
    escalation=POLICY,
    next_call_at=NOW + TWO_MINUTES,
    cause_event_id="e-1",
    deliveries=(sent("dr-li"), sent("dr-wang")),
    calls=called("dr-li", "dr-wang"),
)

ACKNOWLEDGED = happened.AlertAcknowledged()
SETTLED = happened.AlertResolved(resolution="ReferralAccepted", cause_event_id="e-9")


def escalated(
    step: int,
    call: int,
    *users: str,
    at: datetime,
    exhausted: bool = False,
    run: int = 1,
    cause: str = "e-1",
    next_call_at: datetime | None = None,
) -> happened.AlertEscalated:
    return happened.AlertEscalated(
        escalation_step=step,
        escalation_round=call,
        next_call_at=None if exhausted else next_call_at or at + TWO_MINUTES,
        deliveries=tuple(sent(user, step, call, at) for user in users),
        exhausted=exhausted,
        calls=called(*users, step=step, number=call, at=at, run=run, cause=cause),
    )


class Outcome:
    """What a command came to."""

    def __init__(
        self,
        before: alert.Alert | None,
        given: CommandContext,
        events: tuple[alert.AlertEvent, ...],
        refusal: Refused | None,
    ) -> None:
        self._before, self._context = before, given
        self.events, self.refusal = events, refusal

    @property
    def state(self) -> alert.Alert:
        """The alert after the command."""
        assert self.refusal is None, self.refusal
        state = self._before
        for event in self.events:
            state = evolved(_NAME, state, event, self._context)
        assert state is not None
        return state

    def then(self, *events: alert.AlertEvent) -> alert.Alert:
        assert self.refusal is None, self.refusal
        assert self.events == events
        return self.state

    def then_nothing(self) -> None:
        assert self.refusal is None, self.refusal
        assert self.events == ()

    def then_refused(self, code: str, *allowed: str) -> None:
        assert isinstance(self.refusal, NotAllowed), (self.refusal, self.events)
        assert [rule.code for rule in self.refusal.failed_rules] == [code]
        assert all(rule.text.zh and rule.text.en for rule in self.refusal.failed_rules)
        assert self.refusal.allowed_commands == allowed
        assert self._before is not None
        assert self.refusal.resource_name == self._before.name
        assert self.refusal.state == self._before.state.value

    def then_invalid(self, *fields: str) -> None:
        assert isinstance(self.refusal, InvalidInput), (self.refusal, self.events)
        assert tuple(violation.field for violation in self.refusal.violations) == fields
        assert all(violation.reason and violation.description for violation in self.refusal.violations)

    def then_not_permitted(self, reason: str) -> None:
        assert isinstance(self.refusal, NotPermitted), (self.refusal, self.events)
        assert self.refusal.reason == reason
        assert self.refusal.text.zh

    def then_not_found(self) -> None:
        assert isinstance(self.refusal, NotFound), (self.refusal, self.events)
        assert self.refusal.resource_type == "Alert"


class Given:
    def __init__(self, state: alert.Alert | None) -> None:
        self._state = state

    @property
    def state(self) -> alert.Alert:
        assert self._state is not None
        return self._state

    def and_then(self, event: alert.AlertEvent, by: Actor = SYSTEM, *, at: datetime = NOW) -> "Given":
        return Given(evolved(_NAME, self._state, event, context(by, at=at)))

    def when(
        self,
        command: alert.AlertCommand,
        by: Actor = SYSTEM,
        *,
        at: datetime = NOW,
        recorded_at: datetime | None = None,
    ) -> Outcome:
        told = context(by, at=at, recorded_at=recorded_at)
        try:
            events = alert.decide(self._state, command, told)
        except Refused as refusal:
            return Outcome(self._state, told, (), refusal)
        return Outcome(self._state, told, events, None)


def given(*events: alert.AlertEvent, at: datetime = NOW) -> Given:
    state = Given(None)
    for event in events:
        by = DUTY if isinstance(event, happened.AlertAcknowledged) else SYSTEM
        state = state.and_then(event, by, at=at)
    return state


def triggered_by(cause_event_id: str, escalation: tuple[EscalationStep, ...] = POLICY) -> ask.TriggerAlert:
    return replace(TRIGGER, cause_event_id=cause_event_id, escalation=escalation)
