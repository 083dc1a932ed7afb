"""What a trigger does: it opens an alert, or begins its escalation over again."""

from services.notification.domain.alert_answers import awaited_roles, not_in_this_state
from services.notification.domain.alert_state import Alert
from services.notification.domain.commands import TriggerAlert
from services.notification.domain.escalation import Escalation, first_round
from services.notification.domain.events import AlertRetriggered, AlertTriggered
from services.notification.domain.values import AlertState
from services.shared.kernel.command import CommandContext
from services.shared.kernel.refusals import FieldViolation, InvalidInput


def trigger(
    state: Alert | None, command: TriggerAlert, context: CommandContext
) -> tuple[AlertTriggered | AlertRetriggered, ...]:
    """A new alert, or the escalation of the open one over again. Raises InvalidInput, NotAllowed."""
    _check_trigger(state, command)
    if state is not None and state.cause_event_id == command.cause_event_id:
        return ()
    escalation = Escalation(
        steps=command.escalation,
        dedup_key=command.dedup_key,
        cause_event_id=command.cause_event_id,
        run=state.escalation_run + 1 if state else 1,
        missing_roles=awaited_roles(command.acknowledgement_policy),
    )
    call = first_round(escalation, context.recorded_at)
    if state is None:
        return (
            AlertTriggered(
                rule=command.rule,
                dedup_key=command.dedup_key,
                severity=command.severity,
                facility=command.facility,
                role=command.role,
                pathway=command.pathway,
                urgency=command.urgency,
                subject=command.subject,
                episode=command.episode,
                title=command.title,
                body=command.body,
                action=command.action,
                act_by=command.act_by,
                escalation=command.escalation,
                next_call_at=call.next_call_at,
                cause_event_id=command.cause_event_id,
                deliveries=call.deliveries,
                # A drill is seen on the board and rings nowhere.
                calls=() if command.drill else call.calls,
                drill=command.drill,
                without_board=command.without_board,
                acknowledgement_policy=command.acknowledgement_policy,
            ),
        )
    if state.state is AlertState.RESOLVED:
        raise not_in_this_state(state)
    return (
        AlertRetriggered(
            cause_event_id=command.cause_event_id,
            next_call_at=call.next_call_at,
            deliveries=call.deliveries,
            title=command.title,
            body=command.body,
            act_by=command.act_by,
            escalation=command.escalation,
            calls=call.calls,
            without_board=command.without_board,
            acknowledgement_policy=command.acknowledgement_policy,
        ),
    )


def _check_trigger(state: Alert | None, command: TriggerAlert) -> None:
    violations: list[FieldViolation] = []
    for field in ("rule", "dedup_key", "facility", "subject", "cause_event_id"):
        if not getattr(command, field):
            violations.append(FieldViolation(field=field, reason="REQUIRED", description="is empty"))
    if state is not None and state.dedup_key != command.dedup_key:
        description = f"is not that of {state.name}"
        violations.append(FieldViolation(field="dedup_key", reason="ANOTHER_ALERT", description=description))
    wanted = frozenset(awaited_roles(command.acknowledgement_policy))
    for index, step in enumerate(command.escalation):
        answering = [each for each in step.recipients if not wanted or not wanted.isdisjoint(each.roles)]
        if not answering or step.rounds < 1 or step.repeat_s < 0:
            description = "needs recipients who answer for a role, at least one round and no negative wait"
            violations.append(
                FieldViolation(field=f"escalation[{index}]", reason="NOT_A_STEP", description=description)
            )
    policy = command.acknowledgement_policy
    if policy is not None and (policy.count < 0 or (policy.count == 0) != bool(policy.roles)):
        description = "names roles, or says how many people"
        violations.append(
            FieldViolation(field="acknowledgement_policy", reason="NOT_A_POLICY", description=description)
        )
    if violations:
        raise InvalidInput(*violations)
