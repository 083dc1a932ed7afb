"""What one person's acknowledgement comes to, where several people must acknowledge."""

from services.notification.domain import texts
from services.notification.domain.alert_state import Alert, allowed_commands
from services.notification.domain.escalation import Escalation
from services.notification.domain.events import AcknowledgementGiven, AlertAcknowledged
from services.notification.domain.values import AcknowledgementPolicy
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.refusals import FailedRule, NotAllowed

_DESKS = {"bed_desk": Role.BED_DESK, "referral_office": Role.REFERRAL_OFFICE, "coordinator": Role.COORDINATOR}


def awaited_roles(policy: AcknowledgementPolicy | None) -> tuple[str, ...]:
    """The roles of which each must acknowledge an alert that was just triggered."""
    return policy.roles if policy else ()


def awaited_count(policy: AcknowledgementPolicy | None) -> int:
    """How many people must acknowledge an alert that was just triggered, whoever they are."""
    return policy.count if policy else 1


def running(state: Alert) -> Escalation:
    """The escalation as it stands: who has acknowledged is called no more."""
    return Escalation(
        steps=state.escalation,
        dedup_key=state.dedup_key,
        cause_event_id=state.cause_event_id,
        run=state.escalation_run,
        missing_roles=state.missing_roles,
        acknowledged=tuple(given.actor.user for given in state.acknowledgements),
    )


def acknowledge(state: Alert, actor: Actor) -> AlertAcknowledged | AcknowledgementGiven:
    """Whoever may act on the alert acknowledges it.

    Raises NotAllowed for one who has already, and where roles are awaited for one who is of none of them.
    """
    if any(given.actor.user == actor.user for given in state.acknowledgements):
        raise _refused(state, "ACKNOWLEDGED_BY_YOU")
    roles = tuple(role for role in state.missing_roles if answers_for(state, actor, role))
    if state.missing_roles and not roles:
        raise _refused(state, "ROLE_NOT_AWAITED")
    missing_roles = tuple(role for role in state.missing_roles if role not in roles)
    missing_count = max(state.missing_count - 1, 0)
    if not missing_roles and not missing_count:
        return AlertAcknowledged(roles=roles)
    return AcknowledgementGiven(roles=roles, missing_roles=missing_roles, missing_count=missing_count)


def answers_for(state: Alert, actor: Actor, role: str) -> bool:
    """Whether a person acknowledges for a role.

    Those do who are called for it, and at the alert's facility those whose account has it: bed desk,
    referral office and coordinators by their own roles, every other role is a clinician's.
    """
    called_for = (
        role in recipient.roles
        for step in state.escalation
        for recipient in step.recipients
        if recipient.user == actor.user
    )
    if any(called_for):
        return True
    return actor.facility == state.facility and actor.has_role(_DESKS.get(role, Role.CLINICIAN))


def not_in_this_state(state: Alert) -> NotAllowed:
    """The refusal of what an acknowledged or resolved alert does not allow."""
    rule = FailedRule(code=f"ALERT_{state.state.value}", text=texts.ALERT_STATES[state.state])
    return NotAllowed(
        state=state.state.value,
        allowed_commands=allowed_commands(state),
        failed_rules=(rule,),
        resource_name=state.name,
    )


def _refused(state: Alert, code: str) -> NotAllowed:
    text = texts.still_missing(code, state.missing_roles, state.missing_count)
    return NotAllowed(
        state=state.state.value,
        allowed_commands=allowed_commands(state),
        failed_rules=(FailedRule(code=code, text=text),),
        resource_name=state.name,
    )
