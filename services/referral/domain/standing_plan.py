"""The decision that opens a standing order on an accepted referral."""

from datetime import date, time, timedelta

from services.referral.domain import standing_events as e
from services.referral.domain import standing_texts as texts
from services.referral.domain.directory_state import Directory
from services.referral.domain.identity_in_texts import refuse_identities
from services.referral.domain.offers_found import accepted_offer
from services.referral.domain.parties import STAFF, may_read
from services.referral.domain.plan_faults import day_faults
from services.referral.domain.referral_state import Referral
from services.referral.domain.referral_values import ReferralState
from services.referral.domain.standing_calendar import SiteCalendar, has_a_day, window
from services.referral.domain.standing_commands import ScheduleStanding
from services.referral.domain.standing_decision import fault, refuse_faults
from services.referral.domain.standing_values import (
    DEFAULT_STANDING_POLICY,
    STANDING_PATHWAYS,
    StandingPlan,
    StandingPolicy,
)
from services.shared.kernel.actor import Actor
from services.shared.kernel.command import CommandContext
from services.shared.kernel.refusals import FailedRule, FieldViolation, NotAllowed, NotFound, NotPermitted

#: States of a referral whose destination takes the patient and has not finished.
_TAKEN = (
    ReferralState.ACCEPTED,
    ReferralState.TRANSPORT_ARRANGED,
    ReferralState.IN_TRANSIT,
    ReferralState.ARRIVED,
    ReferralState.IN_TREATMENT,
)


def decide_schedule(
    command: ScheduleStanding,
    context: CommandContext,
    *,
    referral: Referral | None,
    directory: Directory,
    policy: StandingPolicy = DEFAULT_STANDING_POLICY,
) -> tuple[e.StandingEvent, ...]:
    """Opens a standing order at the facility that accepted the referral; visits of the past are not made.

    Raises NotFound, NotPermitted for anybody but its staff, InvalidInput with every wrong field, NotAllowed
    with every guard that fails.
    """
    if referral is None or not may_read(referral, context.actor, directory):
        raise NotFound("Referral", command.referral)
    _authorise(referral, context.actor)
    refuse_identities(command)
    calendar = SiteCalendar(policy=policy)
    refuse_faults(_plan_faults(command.plan, calendar, context))
    failed = _failed(referral)
    if failed:
        raise NotAllowed(
            state=referral.state.value,
            allowed_commands=(),
            failed_rules=tuple(failed),
            resource_name=referral.name,
        )
    return (_scheduled(command.plan, referral, context, calendar),)


def decide_with_acceptance(
    plan: StandingPlan,
    context: CommandContext,
    *,
    accepted: Referral,
    policy: StandingPolicy = DEFAULT_STANDING_POLICY,
) -> tuple[e.StandingEvent, ...]:
    """The same in the unit of the acceptance: `accepted` is the referral after it, and who may was decided
    with it.

    Raises InvalidInput with every wrong field, the plan itself where the pathway has no standing orders;
    NotAllowed while another order runs.
    """
    calendar = SiteCalendar(policy=policy)
    faults = [
        fault(f"standing_{each.field}", each.reason, each.description)
        for each in _plan_faults(plan, calendar, context)
    ]
    if accepted.pathway not in STANDING_PATHWAYS:
        faults.insert(0, fault("standing_plan", "PATHWAY_NOT_STANDING", texts.NOT_STANDING.en))
    refuse_faults(faults)
    if accepted.standing_order:
        rule = FailedRule(code="STANDING_RUNNING", text=texts.running(accepted.standing_order))
        raise NotAllowed(
            state=accepted.state.value,
            allowed_commands=(),
            failed_rules=(rule,),
            resource_name=accepted.name,
        )
    return (_scheduled(plan, accepted, context, calendar),)


def _scheduled(
    plan: StandingPlan, referral: Referral, context: CommandContext, calendar: SiteCalendar
) -> e.StandingScheduled:
    now = context.recorded_at
    first = max(date.fromisoformat(plan.starts_on), calendar.day_of(now))
    found = window(calendar, plan, (), first=first, now=now, not_before=now)
    return e.StandingScheduled(
        referral=referral.name,
        episode=referral.episode,
        patient=referral.patient,
        origin_facility=referral.origin_facility,
        facility=context.actor.facility,
        pathway=referral.pathway,
        urgency=referral.urgency,
        plan=plan,
        visits=tuple([calendar.visit(number, at) for number, at in enumerate(found.starts, start=1)]),
        schedule_at=found.schedule_at,
        scheduled_until=found.scheduled_until.isoformat(),
        ends_at=calendar.day_end(date.fromisoformat(plan.ends_on)),
    )


def _authorise(referral: Referral, actor: Actor) -> None:
    accepted = accepted_offer(referral.offers)
    if accepted is None or actor.facility != accepted.facility:
        raise NotPermitted("WRONG_FACILITY", texts.FACILITY_ONLY)
    if not actor.has_role(*STAFF):
        raise NotPermitted("WRONG_ROLE", texts.WRONG_ROLE)


def _failed(referral: Referral) -> list[FailedRule]:
    failed = []
    if referral.state not in _TAKEN:
        failed.append(FailedRule(code="REFERRAL_NOT_ACCEPTED", text=texts.NOT_ACCEPTED))
    if referral.pathway not in STANDING_PATHWAYS:
        failed.append(FailedRule(code="PATHWAY_NOT_STANDING", text=texts.NOT_STANDING))
    if referral.standing_order:
        text = texts.running(referral.standing_order)
        failed.append(FailedRule(code="STANDING_RUNNING", text=text))
    return failed


def _plan_faults(plan: StandingPlan, calendar: SiteCalendar, context: CommandContext) -> list[FieldViolation]:
    faults = day_faults([("plan.starts_on", plan.starts_on), ("plan.ends_on", plan.ends_on)])
    if len(set(plan.weekdays)) != len(plan.weekdays):
        faults.append(fault("plan.weekdays", "TWICE", "a weekday is named twice"))
    if not _is_time(plan.at):
        faults.append(fault("plan.at", "INVALID_TIME", f"{plan.at} is no time of day"))
    if faults:
        return faults
    starts_on, ends_on = date.fromisoformat(plan.starts_on), date.fromisoformat(plan.ends_on)
    longest = timedelta(days=calendar.policy.days_max)
    if ends_on < max(starts_on, calendar.day_of(context.recorded_at)):
        faults.append(fault("plan.ends_on", "OVER", "the last day is over, or before the first"))
    elif ends_on - starts_on > longest or starts_on - calendar.day_of(context.recorded_at) > longest:
        days = calendar.policy.days_max
        faults.append(fault("plan.ends_on", "TOO_LONG", f"a standing order lasts at most {days} days"))
    elif not has_a_day(plan):
        faults.append(fault("plan.weekdays", "NO_VISIT", "none of the weekdays lies between the two days"))
    return faults


def _is_time(text: str) -> bool:
    try:
        time.fromisoformat(text)
    except ValueError:
        return False
    return True
