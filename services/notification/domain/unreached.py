"""A call that reaches nobody is not waited for: whoever comes next is called at once.

Somebody on duty without a contact point, on a site without a group's robot, while no board of theirs is live,
cannot hear of an alert. Waiting for them would be silence.
"""

from datetime import datetime

from services.notification.domain.alert_answers import running
from services.notification.domain.alert_state import Alert
from services.notification.domain.commands import GoOnUnreached
from services.notification.domain.escalation import step_round
from services.notification.domain.events import AlertEscalated
from services.notification.domain.values import AlertState


def go_on_unreached(state: Alert, command: GoOnUnreached, at: datetime) -> tuple[AlertEscalated, ...]:
    """The first round of the next step that has somebody to call.

    Nothing when there is none, when another round is running by now, and when nobody waits for an answer.
    """
    if state.state is not AlertState.TRIGGERED or state.next_call_at is None:
        return ()
    current = (state.escalation_run, state.escalation_step, state.escalation_round)
    if current != (command.run, command.step, command.round):
        return ()
    escalation = running(state)
    later = range(command.step + 1, len(escalation.steps))
    step = next((index for index in later if escalation.callable_at(index)), None)
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
