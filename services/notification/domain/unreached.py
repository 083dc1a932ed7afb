"""A call that reaches nobody is not waited for: whoever comes next is called at once.

Somebody on duty without a contact point, on a site without a group's robot, while no board of theirs is live,
cannot hear of an alert. Waiting for them would be silence.
"""

from datetime import datetime

from services.notification.domain.alert_state import Alert
from services.notification.domain.commands import GoOnUnreached
from services.notification.domain.events import AlertEscalated
from services.notification.domain.going_on import go_on_from
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
    return go_on_from(state, command.step + 1, at)
