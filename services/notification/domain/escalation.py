"""Who is called when: the arithmetic of a fixed escalation policy (docs/domain.md, Alerts)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.notification.domain.values import STREAM_CHANNEL, Delivery, DeliveryOutcome, EscalationStep


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One call of one step, made at a moment."""

    #: from 0
    step: int
    #: within the step, from 1; 0 when the policy names nobody
    round: int
    #: None when nobody is called after it
    next_call_at: datetime | None
    #: on the channel that is built in
    deliveries: tuple[Delivery, ...]
    #: the last step was called in vain
    exhausted: bool = False


def first_call(escalation: tuple[EscalationStep, ...], at: datetime) -> Call:
    """The call that is made when an alert is triggered."""
    if not escalation:
        return Call(step=0, round=0, next_call_at=None, deliveries=())
    return _call(escalation, step=0, call_round=1, at=at)


def next_call(escalation: tuple[EscalationStep, ...], *, step: int, call_round: int, at: datetime) -> Call:
    """The call after call `call_round` of `step` went unanswered: the same step again, or the next one.

    It counts from `at`, not from when the call was due: after an outage nobody gets a burst of calls.
    """
    if call_round < escalation[step].rounds:
        return _call(escalation, step=step, call_round=call_round + 1, at=at)
    if step + 1 < len(escalation):
        return _call(escalation, step=step + 1, call_round=1, at=at)
    return Call(step=step, round=call_round, next_call_at=None, deliveries=(), exhausted=True)


def _call(escalation: tuple[EscalationStep, ...], *, step: int, call_round: int, at: datetime) -> Call:
    current = escalation[step]
    deliveries = tuple(
        Delivery(
            recipient=recipient.user,
            channel=STREAM_CHANNEL,
            outcome=DeliveryOutcome.SENT,
            attempted_at=at,
            step=step,
            round=call_round,
        )
        for recipient in current.recipients
    )
    next_call_at = at + timedelta(seconds=current.repeat_s) if current.repeat_s > 0 else None
    return Call(step=step, round=call_round, next_call_at=next_call_at, deliveries=deliveries)
