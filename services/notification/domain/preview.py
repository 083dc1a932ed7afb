"""Who would be called for an event: the rules, rosters and arithmetic of the real thing, and nothing sent."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from services.notification.domain.calling import summons, timing_of
from services.notification.domain.commands import TriggerAlert
from services.notification.domain.directory import Directory
from services.notification.domain.duty_steps import Rosters, UnstaffedStep, unstaffed_steps
from services.notification.domain.escalation import Escalation, first_round, next_round
from services.notification.domain.matching import AlertIntent
from services.notification.domain.reach import RecipientReach
from services.notification.domain.rules import RuleCatalogue
from services.notification.domain.values import Recipient


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedCall:
    """One round of calls, if nobody answers before."""

    step: int
    round: int
    called_at: datetime
    duty: str
    facility: str
    recipients: tuple[Recipient, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class PreviewedAlert:
    """An alert that would be triggered."""

    alert: TriggerAlert
    calls: tuple[PlannedCall, ...]
    #: steps of its policy that have nobody
    unstaffed: tuple[UnstaffedStep, ...] = ()
    #: what the rule asks of the event, and nobody has said
    assumptions: tuple[str, ...] = ()
    #: by what each person of each step is reached, now
    reaches: tuple[RecipientReach, ...] = ()


def previewed(
    intent: AlertIntent,
    assumptions: tuple[str, ...],
    *,
    catalogue: RuleCatalogue,
    directory: Directory,
    rosters: Rosters,
    at: datetime,
    reached: Collection[str] | None = None,
) -> tuple[PreviewedAlert, ...]:
    """The alert with its whole plan; after it, where nobody is on duty, the alert that says so.

    `reached` where no screen of the facility is live now: the users who are reached otherwise.
    """
    called = summons(
        intent,
        catalogue=catalogue,
        directory=directory,
        rosters=rosters,
        at=at,
        reached=reached,
    )
    policy = called.alert.acknowledgement_policy
    unstaffed = unstaffed_steps(
        rosters,
        roles=policy.roles if policy and policy.roles else (intent.role,),
        timing=timing_of(intent, catalogue),
        first_step=intent.first_step,
        fallback=catalogue.fallback,
        at=at,
    )
    alert = PreviewedAlert(
        alert=called.alert, calls=plan(called.alert, at), unstaffed=unstaffed, assumptions=assumptions
    )
    if called.unstaffed is None:
        return (alert,)
    return (alert, PreviewedAlert(alert=called.unstaffed, calls=plan(called.unstaffed, at)))


def plan(alert: TriggerAlert, at: datetime) -> tuple[PlannedCall, ...]:
    """Every round of calls until the policy is exhausted, if the alert is triggered at `at`."""
    escalation = Escalation(
        steps=alert.escalation,
        dedup_key=alert.dedup_key,
        cause_event_id=alert.cause_event_id,
        run=1,
        missing_roles=alert.acknowledgement_policy.roles if alert.acknowledgement_policy else (),
    )
    calls: list[PlannedCall] = []
    current = first_round(escalation, at)
    while current.calls:
        step = escalation.steps[current.step]
        calls.append(
            PlannedCall(
                step=current.step,
                round=current.round,
                called_at=at,
                duty=step.duty,
                facility=step.facility,
                recipients=escalation.callable_at(current.step),
            )
        )
        if current.next_call_at is None:
            break
        at = current.next_call_at
        current = next_round(escalation, step=current.step, number=current.round, at=at, due_at=at)
    return tuple(calls)
