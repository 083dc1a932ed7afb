"""Who is called for an alert, and what is done when nobody is on duty. Fixed when the alert is triggered."""

from dataclasses import dataclass, replace
from datetime import datetime

from services.notification.domain import texts
from services.notification.domain.commands import TriggerAlert
from services.notification.domain.directory import Directory
from services.notification.domain.matching import NOBODY_ON_DUTY, AlertIntent
from services.notification.domain.roster import Roster, on_duty
from services.notification.domain.rules import EscalationTiming, Fallback, RuleCatalogue
from services.notification.domain.values import DutyStep, EscalationStep, Recipient
from services.notification.domain.without_board import called_without_board
from services.notification.domain.wording import case_number, fill
from services.shared.kernel.text import BilingualText

#: Role of a community coordinator's duty where none is named for the alert's role.
COORDINATOR_ROLE = "coordinator"

_ORDER = tuple(DutyStep)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rosters:
    """The rosters that an escalation looks into; None where a facility has applied none."""

    #: of the facility whose people must act
    own: Roster | None
    #: of the lead facility of its community, whose coordinator is the community's
    lead: Roster | None


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
    without_board: bool = False,
) -> Summons:
    """Fixes who is called for an intent at a moment; `without_board` where no screen would show it."""
    timing = catalogue.escalation[intent.severity]
    escalation = escalation_policy(
        rosters,
        role=intent.role,
        timing=timing,
        first_step=intent.first_step,
        fallback=catalogue.fallback,
        at=at,
    )
    return Summons(
        alert=trigger_command(
            intent,
            called_without_board(escalation) if without_board else escalation,
            without_board=without_board,
        ),
        unstaffed=unstaffed_alert(intent, escalation, catalogue=catalogue, directory=directory),
    )


def escalation_policy(
    rosters: Rosters,
    *,
    role: str,
    timing: EscalationTiming,
    first_step: DutyStep,
    fallback: Fallback,
    at: datetime,
) -> tuple[EscalationStep, ...]:
    """Whom to call for a role, step by step, from `first_step` on.

    A step that has nobody is left out: nobody waits 20 minutes for a telephone that no one carries. Where
    the timing does not repeat, the first step that has somebody is the only one.
    """
    steps: list[EscalationStep] = []
    for step in timing.steps:
        if _ORDER.index(step) < _ORDER.index(first_step):
            continue
        facility, recipients = _people(rosters, step, role, fallback, at)
        if recipients:
            steps.append(
                EscalationStep(
                    duty=step.value,
                    facility=facility,
                    recipients=called_for(role, recipients),
                    repeat_s=timing.repeat_s,
                    rounds=timing.rounds,
                )
            )
    return tuple(steps) if timing.repeat_s > 0 else tuple(steps[:1])


def unstaffed_alert(
    intent: AlertIntent,
    escalation: tuple[EscalationStep, ...],
    *,
    catalogue: RuleCatalogue,
    directory: Directory,
) -> TriggerAlert | None:
    """The alert that nobody is on duty, to the fallback; None when somebody is or nobody needs to be."""
    timing = catalogue.escalation[intent.severity]
    staffed = bool(escalation) and escalation[0].duty == intent.first_step
    if staffed or not timing.must_be_staffed:
        return None
    fallback = catalogue.fallback
    step = EscalationStep(
        duty=DutyStep.FALLBACK.value,
        facility=fallback.facility,
        recipients=called_for(intent.role, fallback.recipients),
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
        title=_unstaffed_text(catalogue.unstaffed_title, intent, directory),
        body=_unstaffed_text(catalogue.unstaffed_body, intent, directory),
        action="ApplyRoster",
        act_by=intent.act_by,
        escalation=(step,),
        cause_event_id=intent.cause_event_id,
    )


def trigger_command(
    intent: AlertIntent, escalation: tuple[EscalationStep, ...], *, without_board: bool = False
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
    )


def called_for(role: str, recipients: tuple[Recipient, ...]) -> tuple[Recipient, ...]:
    """People with the role for which they are called."""
    return tuple(replace(recipient, roles=(role,)) for recipient in recipients)


def _people(
    rosters: Rosters, step: DutyStep, role: str, fallback: Fallback, at: datetime
) -> tuple[str, tuple[Recipient, ...]]:
    """The people of a step with the facility whose roster names them."""
    if step is DutyStep.FALLBACK:
        return fallback.facility, fallback.recipients
    for roster, wanted in _sources(rosters, step, role):
        recipients = on_duty(roster, wanted, step.value, at)
        if roster is not None and recipients:
            return roster.facility, recipients
    return "", ()


def _sources(rosters: Rosters, step: DutyStep, role: str) -> tuple[tuple[Roster | None, str], ...]:
    own, lead = rosters.own, rosters.lead
    match step:
        case DutyStep.LEAD:
            # A branch without a centre of its own is answered for by the centre of its community's lead.
            return ((own, role), (lead, role))
        case DutyStep.COORDINATOR:
            return ((lead, role), (lead, COORDINATOR_ROLE), (own, role), (own, COORDINATOR_ROLE))
        case _:
            return ((own, role),)


def _unstaffed_text(template: BilingualText, intent: AlertIntent, directory: Directory) -> BilingualText:
    plain = BilingualText(zh=intent.role, en=intent.role)
    values = {
        "case": BilingualText(zh=case_number(intent.subject), en=case_number(intent.subject)),
        "facility": directory.name(intent.facility),
        "role": texts.ROLES.get(intent.role, plain),
        "pathway": texts.PATHWAYS[intent.pathway] if intent.pathway else texts.UNKNOWN,
        "urgency": texts.URGENCIES[intent.urgency] if intent.urgency else texts.UNKNOWN,
    }
    return fill(template, values)
