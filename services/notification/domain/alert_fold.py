"""The fold of an alert's events. It reads no clock, no rules and no roster: all is in the events."""

from services.notification.domain.alert_answers import awaited_count, awaited_roles
from services.notification.domain.alert_state import Alert
from services.notification.domain.events import (
    AcknowledgementGiven,
    AlertAcknowledged,
    AlertEscalated,
    AlertResolved,
    AlertRetriggered,
    AlertTriggered,
    DeliveryRecorded,
)
from services.notification.domain.values import (
    Acknowledgement,
    AlertState,
    Delivery,
    DeliveryOutcome,
    EscalationStep,
)
from services.shared.kernel.command import EventMetadata, Recorded
from services.shared.kernel.frozen import changed

AlertEvent = (
    AlertTriggered
    | AlertRetriggered
    | AlertEscalated
    | AcknowledgementGiven
    | AlertAcknowledged
    | AlertResolved
    | DeliveryRecorded
)


def evolve(state: Alert | None, recorded: Recorded[AlertEvent]) -> Alert:
    """The alert after one more event. Raises ValueError unless the first, and only it, is AlertTriggered."""
    event, metadata = recorded.event, recorded.metadata
    if state is None:
        if not isinstance(event, AlertTriggered):
            raise ValueError(f"{metadata.aggregate_id} begins with {metadata.type}")
        return _triggered(event, metadata)
    return changed(_changed(state, event, metadata), version=metadata.version)


def same_attempt(left: Delivery, right: Delivery) -> bool:
    """Whether two deliveries tell of one attempt."""
    return (left.recipient, left.channel, left.step, left.round, left.attempted_at) == (
        right.recipient,
        right.channel,
        right.step,
        right.round,
        right.attempted_at,
    )


def _triggered(event: AlertTriggered, metadata: EventMetadata) -> Alert:
    return Alert(
        name=metadata.aggregate_id,
        version=metadata.version,
        state=AlertState.TRIGGERED,
        rule=event.rule,
        dedup_key=event.dedup_key,
        severity=event.severity,
        facility=event.facility,
        role=event.role,
        pathway=event.pathway,
        urgency=event.urgency,
        subject=event.subject,
        episode=event.episode,
        title=event.title,
        body=event.body,
        action=event.action,
        act_by=event.act_by,
        occurred_at=metadata.occurred_at,
        triggered_at=metadata.recorded_at,
        escalation=event.escalation,
        escalation_round=1 if event.escalation else 0,
        next_call_at=event.next_call_at,
        deliveries=event.deliveries,
        cause_event_id=event.cause_event_id,
        called_facilities=_called((), event.escalation, event.deliveries),
        drill=event.drill,
        without_board=event.without_board,
        acknowledgement_policy=event.acknowledgement_policy,
        missing_roles=awaited_roles(event.acknowledgement_policy),
        missing_count=awaited_count(event.acknowledgement_policy),
    )


def _changed(state: Alert, event: AlertEvent, metadata: EventMetadata) -> Alert:
    match event:
        case AlertRetriggered():
            return _retriggered(state, event, metadata)
        case AlertEscalated():
            return changed(
                state,
                escalation_step=event.escalation_step,
                escalation_round=event.escalation_round,
                next_call_at=event.next_call_at,
                escalation_exhausted=event.exhausted,
                deliveries=state.deliveries + event.deliveries,
                called_facilities=_called(state.called_facilities, state.escalation, event.deliveries),
            )
        case AlertAcknowledged():
            return changed(
                state,
                state=AlertState.ACKNOWLEDGED,
                acknowledged_at=metadata.recorded_at,
                acknowledged_by=metadata.actor,
                acknowledge_time=metadata.occurred_at,
                next_call_at=None,
                deliveries=_acted(state.deliveries, metadata.actor.user),
                acknowledgements=(*state.acknowledgements, _acknowledgement(event.roles, metadata)),
                missing_roles=(),
                missing_count=0,
            )
        case AcknowledgementGiven():
            return changed(
                state,
                deliveries=_acted(state.deliveries, metadata.actor.user),
                acknowledgements=(*state.acknowledgements, _acknowledgement(event.roles, metadata)),
                missing_roles=event.missing_roles,
                missing_count=event.missing_count,
            )
        case AlertResolved():
            return changed(
                state,
                state=AlertState.RESOLVED,
                resolved_at=metadata.recorded_at,
                resolution=event.resolution,
                resolution_reason=event.reason,
                next_call_at=None,
            )
        case DeliveryRecorded():
            return changed(state, deliveries=_with_attempt(state.deliveries, event.delivery))
        case AlertTriggered():
            raise ValueError(f"{state.name} was triggered before")


def _retriggered(state: Alert, event: AlertRetriggered, metadata: EventMetadata) -> Alert:
    restarted = changed(
        state,
        state=AlertState.TRIGGERED,
        title=event.title,
        body=event.body,
        act_by=event.act_by,
        escalation=event.escalation,
        escalation_run=state.escalation_run + 1,
        escalation_step=0,
        escalation_round=1 if event.escalation else 0,
        next_call_at=event.next_call_at,
        escalation_exhausted=False,
        deliveries=state.deliveries + event.deliveries,
        cause_event_id=event.cause_event_id,
        called_facilities=_called(state.called_facilities, event.escalation, event.deliveries),
        without_board=event.without_board,
        acknowledgement_policy=event.acknowledgement_policy,
        acknowledgements=(),
        missing_roles=awaited_roles(event.acknowledgement_policy),
        missing_count=awaited_count(event.acknowledgement_policy),
    )
    if state.state is AlertState.TRIGGERED:
        # Nobody has answered yet: the response time still runs from the first trigger.
        return restarted
    return changed(
        restarted,
        occurred_at=metadata.occurred_at,
        triggered_at=metadata.recorded_at,
        acknowledged_at=None,
        acknowledged_by=None,
        acknowledge_time=None,
    )


def _called(
    before: tuple[str, ...], escalation: tuple[EscalationStep, ...], deliveries: tuple[Delivery, ...]
) -> tuple[str, ...]:
    facilities = (_facility_of(escalation[delivery.step], delivery.recipient) for delivery in deliveries)
    return tuple(dict.fromkeys((*before, *(facility for facility in facilities if facility))))


def _facility_of(step: EscalationStep, user: str) -> str:
    """Of the roster that names them: those of one step may be of two facilities."""
    named = (recipient.facility for recipient in step.recipients if recipient.user == user)
    return next(named, "") or step.facility


def _acknowledgement(roles: tuple[str, ...], metadata: EventMetadata) -> Acknowledgement:
    return Acknowledgement(
        actor=metadata.actor,
        acknowledged_at=metadata.recorded_at,
        acknowledge_time=metadata.occurred_at,
        roles=roles,
    )


def _acted(deliveries: tuple[Delivery, ...], user: str) -> tuple[Delivery, ...]:
    """The latest attempt to reach the person who acknowledged led to the act."""
    latest = max((index for index, item in enumerate(deliveries) if item.recipient == user), default=None)
    if latest is None:
        return deliveries
    acted = changed(deliveries[latest], outcome=DeliveryOutcome.ACTED)
    return (*deliveries[:latest], acted, *deliveries[latest + 1 :])


def _with_attempt(deliveries: tuple[Delivery, ...], news: Delivery) -> tuple[Delivery, ...]:
    if any(same_attempt(known, news) for known in deliveries):
        return tuple(news if same_attempt(known, news) else known for known in deliveries)
    return (*deliveries, news)
