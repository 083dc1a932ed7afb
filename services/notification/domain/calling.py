"""Who is called for an alert, and what is done when nobody is on duty. Fixed when the alert is triggered."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from services.notification.domain import texts
from services.notification.domain.commands import TriggerAlert
from services.notification.domain.directory import Directory
from services.notification.domain.duty_steps import Rosters, called_for, escalation_policy
from services.notification.domain.matching import NOBODY_ON_DUTY, AlertIntent
from services.notification.domain.rules import (
    PATHWAY_CENTRE,
    RULE_ROLE,
    EscalationTiming,
    RuleCatalogue,
)
from services.notification.domain.values import (
    AcknowledgementPolicy,
    DutyStep,
    EscalationStep,
    Pathway,
    Severity,
    Urgency,
)
from services.notification.domain.without_board import called_without_board
from services.notification.domain.wording import case_number, fill
from services.shared.kernel.text import BilingualText


@dataclass(frozen=True, kw_only=True, slots=True)
class Summons:
    """The commands that an intent comes to."""

    alert: TriggerAlert
    #: to be given after `alert`, and only where that gave AlertTriggered: at most once an alert
    unstaffed: TriggerAlert | None


def summons(
    intent: AlertIntent,
    *,
    catalogue: RuleCatalogue,
    directory: Directory,
    rosters: Rosters,
    at: datetime,
    reached: Collection[str] | None = None,
) -> Summons:
    """Fixes who is called for an intent at a moment, and who must acknowledge.

    `reached` where no screen would show it: the users who are reached otherwise.
    """
    timing = timing_of(intent, catalogue)
    acknowledgements = acknowledgement_policy(timing, intent.role, catalogue, intent.pathway)
    roles = acknowledgements.roles if acknowledgements and acknowledgements.roles else (intent.role,)
    escalation = escalation_policy(
        replace(rosters, pathway=intent.pathway),
        roles=roles,
        timing=timing,
        first_step=intent.first_step,
        fallback=catalogue.fallback,
        at=at,
    )
    missing = unstaffed_roles(escalation, roles=roles, first_step=intent.first_step)
    unstaffed = None
    if missing and timing.must_be_staffed:
        unstaffed = unstaffed_alert(intent, missing, timing=timing, catalogue=catalogue, directory=directory)
    called = escalation if reached is None else called_without_board(escalation, reached)
    alert = trigger_command(intent, called, acknowledgements, without_board=reached is not None)
    return Summons(alert=alert, unstaffed=unstaffed)


def timing_of(intent: AlertIntent, catalogue: RuleCatalogue) -> EscalationTiming:
    """The policy of the first row that covers the alert; without one, that of its severity."""
    # Of a subject whose urgency is not known the worst is assumed.
    urgency = intent.urgency or Urgency.EMERGENCY
    for row in catalogue.policy_rows:
        if row.rules and intent.rule not in row.rules:
            continue
        if row.reach.covers(
            event=intent.event_type,
            pathway=intent.pathway,
            urgency=urgency,
            facility=intent.facility,
            role=intent.role,
        ):
            named = catalogue.policies.get(row.policy)
            return named if named is not None else catalogue.escalation[Severity(row.policy)]
    return catalogue.escalation[intent.severity]


def acknowledgement_policy(
    timing: EscalationTiming, role: str, catalogue: RuleCatalogue, pathway: Pathway | None
) -> AcknowledgementPolicy | None:
    """Who must acknowledge, with the role that the rule calls and the pathway's centre put in."""
    given = timing.acknowledgements
    if given is None or not given.roles:
        return given
    meant = {RULE_ROLE: role, PATHWAY_CENTRE: catalogue.centres[pathway or Pathway.GENERAL]}
    roles = dict.fromkeys(meant.get(wanted, wanted) for wanted in given.roles)
    return replace(given, roles=tuple(roles))


def unstaffed_roles(
    escalation: tuple[EscalationStep, ...], *, roles: tuple[str, ...], first_step: DutyStep
) -> tuple[str, ...]:
    """The roles for which nobody is called first."""
    first = escalation[0] if escalation and escalation[0].duty == first_step else None
    called = {role for recipient in first.recipients for role in recipient.roles} if first else set()
    return tuple(role for role in roles if role not in called)


def unstaffed_alert(
    intent: AlertIntent,
    roles: tuple[str, ...],
    *,
    timing: EscalationTiming,
    catalogue: RuleCatalogue,
    directory: Directory,
) -> TriggerAlert:
    """The alert that nobody is on duty for some roles, to the fallback."""
    fallback = catalogue.fallback
    step = EscalationStep(
        duty=DutyStep.FALLBACK.value,
        facility=fallback.facility,
        recipients=called_for(roles, fallback.recipients, fallback.facility),
        repeat_s=timing.repeat_s,
        rounds=timing.rounds,
    )
    return TriggerAlert(
        rule=NOBODY_ON_DUTY,
        dedup_key=f"{NOBODY_ON_DUTY}/{intent.dedup_key}",
        severity=intent.severity,
        facility=fallback.facility or intent.facility,
        role=intent.role,
        pathway=intent.pathway,
        urgency=intent.urgency,
        subject=intent.subject,
        episode=intent.episode,
        title=_unstaffed_text(catalogue.unstaffed_title, intent, roles, directory),
        body=_unstaffed_text(catalogue.unstaffed_body, intent, roles, directory),
        action="ApplyRoster",
        act_by=intent.act_by,
        escalation=(step,),
        cause_event_id=intent.cause_event_id,
    )


def trigger_command(
    intent: AlertIntent,
    escalation: tuple[EscalationStep, ...],
    acknowledgements: AcknowledgementPolicy | None,
    *,
    without_board: bool = False,
) -> TriggerAlert:
    """The command of an intent whose escalation is fixed."""
    return TriggerAlert(
        rule=intent.rule,
        dedup_key=intent.dedup_key,
        severity=intent.severity,
        facility=intent.facility,
        role=intent.role,
        pathway=intent.pathway,
        urgency=intent.urgency,
        subject=intent.subject,
        episode=intent.episode,
        title=intent.title,
        body=intent.body,
        action=intent.action,
        act_by=intent.act_by,
        escalation=escalation,
        cause_event_id=intent.cause_event_id,
        without_board=without_board,
        acknowledgement_policy=acknowledgements,
    )


def _unstaffed_text(
    template: BilingualText, intent: AlertIntent, roles: tuple[str, ...], directory: Directory
) -> BilingualText:
    values = {
        "case": BilingualText(zh=case_number(intent.subject), en=case_number(intent.subject)),
        "facility": directory.name(intent.facility),
        "role": texts.role_names(roles),
        "pathway": texts.PATHWAYS[intent.pathway] if intent.pathway else texts.UNKNOWN,
        "urgency": texts.URGENCIES[intent.urgency] if intent.urgency else texts.UNKNOWN,
    }
    return fill(template, values)
