"""How an alert is called when no board of its facility is live.

Someone whom only the board reaches cannot be reached then: neither does the roster name a channel of the site
for them, nor do they have a contact point that the site can use (`reached`). A call that goes to such people
alone would be waited for in vain, so it is not waited for: whoever comes next is called at the same moment.
Nobody is left out.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from services.notification.domain.alert_answers import running
from services.notification.domain.alert_state import Alert
from services.notification.domain.escalation import step_round
from services.notification.domain.events import AlertEscalated
from services.notification.domain.values import STREAM_CHANNEL, AlertState, EscalationStep, Recipient

#: What shows an alert on a screen and nowhere else.
_SCREENS = frozenset({STREAM_CHANNEL, "board"})


def named_channels(recipient: Recipient) -> frozenset[str]:
    """The channels beside screens that the roster names for somebody."""
    return frozenset(recipient.channels) - _SCREENS


def reaches_people(step: EscalationStep, reached: Collection[str]) -> bool:
    """Whether somebody of the step is reached beside the board; `reached` are users."""
    return any(recipient.user in reached for recipient in step.recipients)


def called_without_board(
    escalation: tuple[EscalationStep, ...], reached: Collection[str]
) -> tuple[EscalationStep, ...]:
    """The escalation with the steps that only a board reaches called together with the next that has people.

    Where nobody at all is reached otherwise, everybody is called at once.
    """
    if not escalation:
        return escalation
    last = len(escalation) - 1
    first = next((index for index, step in enumerate(escalation) if reaches_people(step, reached)), last)
    together: dict[str, Recipient] = {}
    for recipient in (each for step in escalation[: first + 1] for each in step.recipients):
        known = together.get(recipient.user, recipient)
        roles = tuple(dict.fromkeys((*known.roles, *recipient.roles)))
        together[recipient.user] = replace(recipient, roles=roles)
    return (replace(escalation[first], recipients=tuple(together.values())), *escalation[first + 1 :])


def step_without_board(
    escalation: tuple[EscalationStep, ...], step: int, reached: Collection[str]
) -> int | None:
    """The step to go on with when the last board goes while `step` is calling; None to stay with it."""
    if step >= len(escalation) - 1 or reaches_people(escalation[step], reached):
        return None
    later = range(step + 1, len(escalation))
    return next((index for index in later if reaches_people(escalation[index], reached)), step + 1)


def go_on_without_board(state: Alert, at: datetime, reached: Collection[str]) -> tuple[AlertEscalated, ...]:
    """A call that only a board would have shown is waited for no longer; nothing where one is reached."""
    if state.state is not AlertState.TRIGGERED or state.next_call_at is None:
        return ()
    step = step_without_board(state.escalation, state.escalation_step, reached)
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
