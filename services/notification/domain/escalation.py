"""Who is called when: the arithmetic of a fixed escalation policy (docs/domain.md, Alerts)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.notification.domain.values import (
    STREAM_CHANNEL,
    AlertCall,
    Delivery,
    DeliveryOutcome,
    EscalationStep,
    Recipient,
)
from services.shared.kernel.ids import derive_id


@dataclass(frozen=True, kw_only=True, slots=True)
class Escalation:
    """One run of a policy: the alert and the event that it was fixed for."""

    steps: tuple[EscalationStep, ...]
    #: key of the alert
    dedup_key: str
    #: event that triggered this run; each run has its own
    cause_event_id: str
    #: from 1
    run: int
    #: roles whose acknowledgement is awaited; empty where anybody's is
    missing_roles: tuple[str, ...] = ()
    #: users who have acknowledged: they are called no more
    acknowledged: tuple[str, ...] = ()

    def callable_at(self, step: int) -> tuple[Recipient, ...]:
        """Those of a step who are still to be called."""
        return tuple(
            recipient
            for recipient in self.steps[step].recipients
            if recipient.user not in self.acknowledged
            and (not self.missing_roles or any(role in self.missing_roles for role in recipient.roles))
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """One round of calls of one step, made at a moment."""

    #: from 0
    step: int
    #: within the step, from 1; 0 when the policy names nobody
    round: int
    #: None when nobody is called after it
    next_call_at: datetime | None
    #: on the channel that is built in
    deliveries: tuple[Delivery, ...]
    calls: tuple[AlertCall, ...] = ()
    #: the last step was called in vain
    exhausted: bool = False


def first_round(escalation: Escalation, at: datetime) -> Round:
    """The round that is made when an alert is triggered."""
    if not escalation.steps:
        return Round(step=0, round=0, next_call_at=None, deliveries=())
    return _round(escalation, step=0, number=1, at=at, due_at=at)


def next_round(escalation: Escalation, *, step: int, number: int, at: datetime, due_at: datetime) -> Round:
    """The round after round `number` of `step` went unanswered: the same step again, or the next one.

    A step in which nobody is left to call is passed over at once: of several who must acknowledge, those who
    have are not called again. It was due at `due_at` and is made at `at`; the one after it keeps to the plan
    (see `_next_call_at`).
    """
    if number < escalation.steps[step].rounds and escalation.callable_at(step):
        return _round(escalation, step=step, number=number + 1, at=at, due_at=due_at)
    for later in range(step + 1, len(escalation.steps)):
        if escalation.callable_at(later):
            return _round(escalation, step=later, number=1, at=at, due_at=due_at)
    return Round(step=step, round=number, next_call_at=None, deliveries=(), exhausted=True)


def step_round(escalation: Escalation, *, step: int, at: datetime) -> Round:
    """The first round of a later step, made now: whoever was being called is waited for no longer."""
    return _round(escalation, step=step, number=1, at=at, due_at=at)


def _round(escalation: Escalation, *, step: int, number: int, at: datetime, due_at: datetime) -> Round:
    current, recipients = escalation.steps[step], escalation.callable_at(step)
    deliveries = tuple(
        Delivery(
            recipient=recipient.user,
            channel=STREAM_CHANNEL,
            outcome=DeliveryOutcome.SENT,
            attempted_at=at,
            step=step,
            round=number,
        )
        for recipient in recipients
    )
    calls = tuple(
        AlertCall(
            id=call_id(escalation, step=step, number=number, user=recipient.user),
            recipient=recipient.user,
            name=recipient.name,
            channels=recipient.channels,
            run=escalation.run,
            step=step,
            round=number,
            duty=current.duty,
            facility=recipient.facility or current.facility,
            roles=recipient.roles,
            called_at=at,
        )
        for recipient in recipients
    )
    next_call_at = _next_call_at(current.repeat_s, at=at, due_at=due_at)
    return Round(step=step, round=number, next_call_at=next_call_at, deliveries=deliveries, calls=calls)


def call_id(escalation: Escalation, *, step: int, number: int, user: str) -> str:
    """The id of one call of one person: no other call has it, and this one never another."""
    return derive_id("call", escalation.dedup_key, escalation.cause_event_id, str(step), str(number), user)


def _next_call_at(repeat_s: int, *, at: datetime, due_at: datetime) -> datetime | None:
    """When to call again; None when nobody waits for an answer.

    A call that is a little late, as after a restart, does not shift those after it. After an outage of more
    than half the interval the count begins anew, so that nobody gets a burst of calls.
    """
    if repeat_s <= 0:
        return None
    interval = timedelta(seconds=repeat_s)
    return (due_at if at - due_at <= interval / 2 else at) + interval
