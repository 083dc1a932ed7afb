"""What a person does with an alert, and what happens when nobody does."""

from dataclasses import replace

from services.notification.application.aggregates import Aggregates
from services.notification.application.drill_desk import answer_drill
from services.notification.domain import alert as alerts
from services.notification.domain.alert_state import Alert
from services.notification.domain.commands import AcknowledgeAlert, MeetDeadline, ResolveAlert
from services.notification.domain.communities import acting_at
from services.notification.domain.directory import Directory
from services.shared.eventstore.work import Reaction, Reply, UseCase, Work
from services.shared.kernel.refusals import NotFound


def change_alert(
    kinds: Aggregates, command: AcknowledgeAlert | ResolveAlert, name: str, directory: Directory
) -> UseCase[Alert]:
    """Answers with the alert after the command."""

    async def use_case(work: Work) -> Reply[Alert]:
        state = await work.load_target(kinds.alert, name)
        if state is None:
            raise NotFound("Alert", name)
        # A coordinator's word counts in the own community; what is kept is who it was, whole.
        actor = acting_at(work.context.actor, state.facility, directory)
        events = alerts.decide(state, command, replace(work.context, actor=actor))
        await work.record(kinds.alert, name, events)
        await answer_drill(work, kinds, state)
        return work.reply(kinds.alert, name)

    return use_case


def meet_deadline(kinds: Aggregates, name: str, key: str) -> Reaction:
    """The next call of an alert that nobody has answered; nothing when somebody has."""

    async def reaction(work: Work) -> None:
        state: Alert | None = await work.load(kinds.alert, name)
        if state is None:
            return
        events = alerts.decide(state, MeetDeadline(key=key), work.context)
        if events:
            await work.record(kinds.alert, name, events)

    return reaction
