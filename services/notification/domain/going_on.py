"""A round of calls becomes the event that says so; and the next round is made before its time."""

from datetime import datetime

from services.notification.domain.alert_answers import running
from services.notification.domain.alert_state import Alert
from services.notification.domain.escalation import Round, step_round
from services.notification.domain.events import AlertEscalated


def escalated(call: Round) -> AlertEscalated:
    """The event of a round that follows another."""
    return AlertEscalated(
        escalation_step=call.step,
        escalation_round=call.round,
        next_call_at=call.next_call_at,
        deliveries=call.deliveries,
        exhausted=call.exhausted,
        calls=call.calls,
    )


def go_on_from(state: Alert, step: int, at: datetime) -> tuple[AlertEscalated, ...]:
    """The first round of `step`, or of the first one after it that has somebody to call; nothing without one.

    Of several who must acknowledge, a step may have only those who have.
    """
    escalation = running(state)
    later = (index for index in range(step, len(escalation.steps)) if escalation.callable_at(index))
    found = next(later, None)
    return () if found is None else (escalated(step_round(escalation, step=found, at=at)),)
