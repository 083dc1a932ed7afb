"""How an alert is called when no board of its facility is live.

Someone whose only channel is the board cannot be reached then. A call that goes to such people alone would
be waited for in vain, so it is not waited for: whoever comes next is called at the same moment. Nobody is
left out.
"""

from dataclasses import replace
from datetime import datetime

from services.notification.domain.alert_answers import running
from services.notification.domain.alert_state import Alert
from services.notification.domain.escalation import step_round
from services.notification.domain.events import AlertEscalated
from services.notification.domain.values import STREAM_CHANNEL, AlertState, EscalationStep, Recipient

#: What shows an alert on a screen and nowhere else.
_SCREENS = frozenset({STREAM_CHANNEL, "board"})


def reaches_people(step: EscalationStep) -> bool:
    """Whether somebody of the step has a channel of their own, such as a telephone."""
    return any(set(recipient.channels) - _SCREENS for recipient in step.recipients)


def called_without_board(escalation: tuple[EscalationStep, ...]) -> tuple[EscalationStep, ...]:
    """The escalation with the steps that only a board reaches called together with the next that has people.

    Where nobody at all has a channel of their own, everybody is called at once.
    """
    if not escalation:
        return escalation
    last = len(escalation) - 1
    first = next((index for index, step in enumerate(escalation) if reaches_people(step)), last)
    together: dict[str, Recipient] = {}
    for recipient in (each for step in escalation[: first + 1] for each in step.recipients):
        known = together.get(recipient.user, recipient)
        roles = tuple(dict.fromkeys((*known.roles, *recipient.roles)))
        together[recipient.user] = replace(recipient, roles=roles)
    return (replace(escalation[first], recipients=tuple(together.values())), *escalation[first + 1 :])


def step_without_board(escalation: tuple[EscalationStep, ...], step: int) -> int | None:
    """The step to go on with when the last board goes while `step` is calling; None to stay with it."""
    if step >= len(escalation) - 1 or reaches_people(escalation[step]):
        return None
    later = range(step + 1, len(escalation))
    return next((index for index in later if reaches_people(escalation[index])), step + 1)


def go_on_without_board(state: Alert, at: datetime) -> tuple[AlertEscalated, ...]:
    """A call that only a board would have shown is waited for no longer; nothing where somebody has one."""
    if state.state is not AlertState.TRIGGERED or state.next_call_at is None:
        return ()
    step = step_without_board(state.escalation, state.escalation_step)
    if step is None:
        return ()
    escalation = running(state)
    # Of several who must acknowledge, a step may have only those who have.
    later = (index for index in range(step, len(escalation.steps)) if escalation.callable_at(index))
    step = next(later, None)
    if step is None:
        return ()
    call = step_round(escalation, step=step, at=at)
    return (
        AlertEscalated(
            escalation_step=call.step,
            escalation_round=call.round,
            next_call_at=call.next_call_at,
            deliveries=call.deliveries,
            calls=call.calls,
        ),
    )
