"""How an alert is called when no board of its facility is live.

Someone whom only the board reaches cannot be reached then; `reached` are the others, by the rule of
`domain/reach.py`. A call that goes to such people
alone would be waited for in vain, so it is not waited for: whoever comes next is called at the same moment.
Nobody is left out.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from services.notification.domain.alert_answers import running
from services.notification.domain.alert_state import Alert
from services.notification.domain.escalation import Escalation
from services.notification.domain.events import AlertEscalated
from services.notification.domain.going_on import go_on_from
from services.notification.domain.values import AlertState, EscalationStep, Recipient


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


def step_without_board(escalation: Escalation, step: int, reached: Collection[str]) -> int | None:
    """The step to go on with when the last board goes while `step` is calling; None to stay with it.

    Whoever has acknowledged is called no more: that they are reached is no reason to wait with the others.
    """

    def reaches(index: int) -> bool:
        return any(recipient.user in reached for recipient in escalation.callable_at(index))

    if step >= len(escalation.steps) - 1 or reaches(step):
        return None
    later = range(step + 1, len(escalation.steps))
    return next((index for index in later if reaches(index)), step + 1)


def go_on_without_board(state: Alert, at: datetime, reached: Collection[str]) -> tuple[AlertEscalated, ...]:
    """A call that only a board would have shown is waited for no longer; nothing where one is reached."""
    if state.state is not AlertState.TRIGGERED or state.next_call_at is None:
        return ()
    step = step_without_board(running(state), state.escalation_step, reached)
    return () if step is None else go_on_from(state, step, at)
