"""The alert aggregate: what may be done with an alert, by whom, and what follows (docs/domain.md, Alerts)."""

from typing import get_args

from services.notification.domain import texts
from services.notification.domain.alert_answers import acknowledge, not_in_this_state, running
from services.notification.domain.alert_fold import AlertEvent, evolve, same_attempt
from services.notification.domain.alert_state import (
    ESCALATE,
    INTERNAL_FIELDS,
    Alert,
    alert_name,
    allowed_commands,
    deadlines,
    facets,
    parties,
    response_time,
)
from services.notification.domain.alert_triggering import trigger
from services.notification.domain.commands import (
    AcknowledgeAlert,
    AlertCommand,
    GoOnUnreached,
    GoOnWithoutBoard,
    MeetDeadline,
    RecordDelivery,
    ResolveAlert,
    SettleAlert,
    TriggerAlert,
)
from services.notification.domain.escalation import next_round
from services.notification.domain.events import (
    AcknowledgementGiven,
    AlertAcknowledged,
    AlertEscalated,
    AlertResolved,
    AlertRetriggered,
    AlertTriggered,
    DeliveryRecorded,
)
from services.notification.domain.going_on import escalated
from services.notification.domain.unreached import go_on_unreached
from services.notification.domain.values import AlertState, Delivery, DeliveryOutcome
from services.notification.domain.without_board import go_on_without_board
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.command import CommandContext
from services.shared.kernel.refusals import (
    FieldViolation,
    InvalidInput,
    NotFound,
    NotPermitted,
)

__all__ = [
    "COMMANDS",
    "ESCALATE",
    "EVENTS",
    "INTERNAL_FIELDS",
    "Alert",
    "AlertCommand",
    "AlertEvent",
    "alert_name",
    "allowed_commands",
    "deadlines",
    "decide",
    "evolve",
    "facets",
    "parties",
    "response_time",
]

EVENTS: tuple[type, ...] = (
    AlertTriggered,
    AlertRetriggered,
    AlertEscalated,
    AcknowledgementGiven,
    AlertAcknowledged,
    AlertResolved,
    DeliveryRecorded,
)
COMMANDS: tuple[type, ...] = get_args(AlertCommand)

#: Overview roles: they see and act on the alerts of every facility.
_EVERYWHERE = (Role.COORDINATOR, Role.OPERATOR)
#: Roles that act on the alerts of their own facility.
_AT_HOME = (Role.CLINICIAN, Role.BED_DESK, Role.REFERRAL_OFFICE)

#: An attempt only ever comes further; a receipt that arrives late changes nothing.
_PROGRESS = {
    DeliveryOutcome.SENT: 0,
    DeliveryOutcome.FAILED: 1,
    DeliveryOutcome.DELIVERED: 2,
    DeliveryOutcome.SEEN: 3,
    DeliveryOutcome.ACTED: 4,
}


def decide(state: Alert | None, command: AlertCommand, context: CommandContext) -> tuple[AlertEvent, ...]:
    """What the command brings about.

    Raises NotFound, NotPermitted, NotAllowed (not in this state) and InvalidInput.
    """
    if isinstance(command, AcknowledgeAlert | ResolveAlert):
        return _decide_for_person(_theirs(state, context.actor), command, context)
    if not context.actor.has_role(Role.SYSTEM):
        raise NotPermitted("SYSTEM_ONLY", texts.SYSTEM_ONLY)
    if isinstance(command, TriggerAlert):
        return trigger(state, command, context)
    if state is None:
        raise NotFound("Alert", "")
    match command:
        case SettleAlert():
            return _settle(state, command)
        case RecordDelivery():
            return _record_delivery(state, command.delivery)
        case GoOnWithoutBoard(reached=reached):
            return go_on_without_board(state, context.recorded_at, reached)
        case GoOnUnreached():
            return go_on_unreached(state, command, context.recorded_at)
        case MeetDeadline():
            return _meet_deadline(state, command, context)


def _theirs(state: Alert | None, actor: Actor) -> Alert:
    """The alert, when the actor may act on it."""
    if state is None:
        raise NotFound("Alert", "")
    if actor.has_role(*_EVERYWHERE):
        return state
    if actor.facility == state.facility and actor.has_role(*_AT_HOME):
        return state
    if any(delivery.recipient == actor.user for delivery in state.deliveries):
        # Whoever is called must be able to answer, from whichever facility.
        return state
    if actor.facility in parties(state):
        raise NotPermitted("ROLE_MAY_NOT_ACT_ON_ALERT", texts.NOT_THIS_ROLES)
    raise NotFound("Alert", state.name)


def _decide_for_person(
    state: Alert, command: AcknowledgeAlert | ResolveAlert, context: CommandContext
) -> tuple[AlertEvent, ...]:
    if type(command).__name__ not in allowed_commands(state):
        raise not_in_this_state(state)
    _check_clinical_time(state, context)
    if isinstance(command, AcknowledgeAlert):
        return (acknowledge(state, context.actor),)
    return (AlertResolved(resolution=command.reason.code, reason=command.reason),)


def _check_clinical_time(state: Alert, context: CommandContext) -> None:
    """Nobody answers before there was something to answer; a skewed clock (time left out) blocks nobody."""
    given = context.occurred_at != context.recorded_at
    if given and context.occurred_at < state.occurred_at:
        raise InvalidInput(
            FieldViolation(
                field="occurred_at",
                reason="BEFORE_ALERT",
                description=f"is before what the alert is about, {state.occurred_at.isoformat()}",
            )
        )


def _settle(state: Alert, command: SettleAlert) -> tuple[AlertEvent, ...]:
    if state.state is AlertState.RESOLVED or state.cause_event_id == command.cause_event_id:
        # An event does not settle the alert that it triggered itself.
        return ()
    return (AlertResolved(resolution=command.resolution, cause_event_id=command.cause_event_id),)


def _record_delivery(state: Alert, delivery: Delivery) -> tuple[AlertEvent, ...]:
    """A resolved alert's receipts are kept too: they tell who was reached."""
    violations = [
        FieldViolation(field=f"delivery.{field}", reason="REQUIRED", description="is empty")
        for field in ("recipient", "channel")
        if not getattr(delivery, field)
    ]
    if delivery.step < 0 or delivery.round < 1:
        violations.append(
            FieldViolation(
                field="delivery.round",
                reason="NO_SUCH_CALL",
                description="steps count from 0 and calls from 1",
            )
        )
    if violations:
        raise InvalidInput(*violations)
    known = next((item for item in state.deliveries if same_attempt(item, delivery)), None)
    if known is not None and _PROGRESS[delivery.outcome] <= _PROGRESS[known.outcome]:
        return ()
    return (DeliveryRecorded(delivery=delivery),)


def _meet_deadline(state: Alert, command: MeetDeadline, context: CommandContext) -> tuple[AlertEvent, ...]:
    due = next((each for each in deadlines(state) if each.key == command.key), None)
    if due is None or due.due_at > context.recorded_at:
        # Answered, settled or triggered anew since the deadline was read.
        return ()
    call = next_round(
        running(state),
        step=state.escalation_step,
        number=state.escalation_round,
        at=context.recorded_at,
        due_at=due.due_at,
    )
    return (escalated(call),)
