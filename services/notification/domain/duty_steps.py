"""Whom the steps of a policy call at a moment: who is on duty for some roles, and which steps have nobody."""

from dataclasses import dataclass, replace
from datetime import datetime

from services.notification.domain.roster import Roster, on_duty
from services.notification.domain.rules import EscalationTiming, Fallback
from services.notification.domain.values import DutyStep, EscalationStep, Pathway, Recipient

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
    #: whose own posts are called before those of every pathway
    pathway: Pathway | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class UnstaffedStep:
    """A step that has nobody for a role."""

    #: a DutyStep
    duty: str
    role: str


def escalation_policy(
    rosters: Rosters,
    *,
    roles: tuple[str, ...],
    timing: EscalationTiming,
    first_step: DutyStep,
    fallback: Fallback,
    at: datetime,
) -> tuple[EscalationStep, ...]:
    """Whom to call for some roles, step by step, from `first_step` on.

    A step that has nobody is left out: nobody waits 20 minutes for a telephone that no one carries. Where
    the timing does not repeat, the first step that has somebody is the only one.
    """
    steps: list[EscalationStep] = []
    for step in timing.steps:
        if _ORDER.index(step) < _ORDER.index(first_step):
            continue
        recipients = _people(rosters, step, roles, fallback, at)
        if recipients:
            steps.append(
                EscalationStep(
                    duty=step.value,
                    facility=recipients[0].facility,
                    recipients=recipients,
                    repeat_s=timing.repeat_s,
                    rounds=timing.rounds,
                )
            )
    return tuple(steps) if timing.repeat_s > 0 else tuple(steps[:1])


def unstaffed_steps(
    rosters: Rosters,
    *,
    roles: tuple[str, ...],
    timing: EscalationTiming,
    first_step: DutyStep,
    fallback: Fallback,
    at: datetime,
) -> tuple[UnstaffedStep, ...]:
    """The steps of a policy that have nobody at a moment, role by role."""
    return tuple(
        UnstaffedStep(duty=step.value, role=role)
        for step in timing.steps
        if _ORDER.index(step) >= _ORDER.index(first_step)
        for role in roles
        if not _people(rosters, step, (role,), fallback, at)
    )


def called_for(
    roles: tuple[str, ...], recipients: tuple[Recipient, ...], facility: str
) -> tuple[Recipient, ...]:
    """People with the roles for which they are called, and whose roster names them."""
    return tuple(replace(recipient, roles=roles, facility=facility) for recipient in recipients)


def _people(
    rosters: Rosters, step: DutyStep, roles: tuple[str, ...], fallback: Fallback, at: datetime
) -> tuple[Recipient, ...]:
    """The people of a step; who is on duty for several of the roles is called once, for all of them."""
    if step is DutyStep.FALLBACK:
        return called_for(roles, fallback.recipients, fallback.facility)
    found: dict[str, Recipient] = {}
    for role in roles:
        for person in _people_for(rosters, step, role, at):
            known = found.get(person.user)
            found[person.user] = replace(known, roles=(*known.roles, role)) if known else person
    return tuple(found.values())


def _people_for(rosters: Rosters, step: DutyStep, role: str, at: datetime) -> tuple[Recipient, ...]:
    for roster, wanted in _sources(rosters, step, role):
        recipients = on_duty(roster, wanted, step.value, at, rosters.pathway)
        if roster is not None and recipients:
            return called_for((role,), recipients, roster.facility)
    return ()


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
