"""The standing order aggregate: everything that the application calls, under one name.

`decide` and `evolve` are pure; `standing_transitions.TABLE` is the one place that says what may follow what.
"""

from collections.abc import Callable
from datetime import date
from typing import Any

from services.referral.domain import standing_commands as c
from services.referral.domain import standing_events as e
from services.referral.domain import standing_texts as texts
from services.referral.domain import standing_visits as visits
from services.referral.domain.directory_state import Directory
from services.referral.domain.identity_in_texts import refuse_identities
from services.referral.domain.parties import STAFF
from services.referral.domain.plan_faults import day_faults
from services.referral.domain.readers import knows_of
from services.referral.domain.standing_calendar import SiteCalendar, window
from services.referral.domain.standing_decision import (
    RESOURCE,
    StandingDecision,
    fault,
    refuse,
    refuse_faults,
)
from services.referral.domain.standing_events import EVENTS
from services.referral.domain.standing_fold import evolve
from services.referral.domain.standing_plan import decide_schedule, decide_with_acceptance
from services.referral.domain.standing_state import (
    INTERNAL_FIELDS,
    StandingEnvelope,
    StandingOrder,
    deadlines,
    envelope,
    facets,
    is_live,
    overlapping,
    scheduled,
)
from services.referral.domain.standing_transitions import INTERNAL, Party, allowed_in, has_row, party_of
from services.referral.domain.standing_values import (
    DEFAULT_STANDING_POLICY,
    StandingPolicy,
    Suspension,
    Visit,
)
from services.referral.domain.values import CodedReason
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.command import CommandContext
from services.shared.kernel.refusals import FailedRule, NotFound, NotPermitted

__all__ = [
    "EVENTS",
    "INTERNAL_FIELDS",
    "RESOURCE",
    "StandingEnvelope",
    "StandingOrder",
    "allowed_commands",
    "deadlines",
    "decide",
    "decide_schedule",
    "decide_with_acceptance",
    "envelope",
    "evolve",
    "facets",
    "is_live",
]

#: Whoever sees the patient come may say so.
_RECEPTION = (*STAFF, Role.BED_DESK)


def allowed_commands(state: StandingOrder) -> tuple[str, ...]:
    return allowed_in(state.state)


def decide(
    state: StandingOrder | None,
    command: c.StandingCommand,
    context: CommandContext,
    *,
    directory: Directory,
    policy: StandingPolicy = DEFAULT_STANDING_POLICY,
) -> tuple[e.StandingEvent, ...]:
    """The events of a command; none where nothing changes.

    Raises NotFound, NotPermitted (another party's to do), NotAllowed (state), InvalidInput (fields) or
    NotAllowed (guards), in this order.
    """
    if state is None:
        raise NotFound(RESOURCE, "")
    _authorise(state, command, context.actor, directory)
    refuse_identities(command)
    decision: StandingDecision[Any] = StandingDecision(
        state=state, command=command, context=context, calendar=SiteCalendar(policy=policy)
    )
    if type(command) not in INTERNAL and not has_row(state.state, type(command)):
        text = texts.not_in_state(state.state, type(command).__name__)
        refuse(state, FailedRule(code="NOT_ALLOWED_IN_STATE", text=text))
    return _BUILD[type(command)](decision)


def _authorise(state: StandingOrder, command: c.StandingCommand, actor: Actor, directory: Directory) -> None:
    party = party_of(type(command))
    here, origin = actor.facility == state.facility, actor.facility == state.origin_facility
    if not knows_of((state.facility, state.origin_facility), actor, directory):
        raise NotFound(RESOURCE, state.name)
    if party is Party.SYSTEM:
        if not actor.has_role(Role.SYSTEM):
            raise NotPermitted("SYSTEM_ONLY", texts.SYSTEM_ONLY)
        return
    if not (here or (origin and party is Party.EITHER)):
        text = texts.FACILITY_ONLY if party is Party.FACILITY else texts.PARTIES_ONLY
        raise NotPermitted("WRONG_FACILITY", text)
    if not actor.has_role(*(_RECEPTION if party is Party.FACILITY else STAFF)):
        raise NotPermitted("WRONG_ROLE", texts.WRONG_ROLE)


def _suspend(decision: StandingDecision[c.SuspendStanding]) -> tuple[e.StandingEvent, ...]:
    state, command = decision.state, decision.command
    today = decision.calendar.day_of(decision.context.recorded_at).isoformat()
    faults = day_faults([("from_on", command.from_on), ("until_on", command.until_on)])
    if command.from_on < today:
        faults.append(fault("from_on", "IN_THE_PAST", "that day is over"))
    if command.until_on and command.until_on < command.from_on:
        faults.append(fault("until_on", "BEFORE_FROM", "ends before it begins"))
    refuse_faults(faults)
    _require_reason(state, command.reason.code)
    gap = Suspension(from_on=command.from_on, until_on=command.until_on, reason=command.reason)
    cancelled = [
        visit.id
        for visit in scheduled(state)
        if gap.from_on <= visit.day and (not gap.until_on or visit.day <= gap.until_on)
    ]
    return (e.StandingSuspended(suspension=gap, cancelled=tuple(cancelled)),)


def _resume(decision: StandingDecision[c.ResumeStanding]) -> tuple[e.StandingEvent, ...]:
    state, from_on, calendar = decision.state, decision.command.from_on, decision.calendar
    today = calendar.day_of(decision.context.recorded_at)
    faults = day_faults([("from_on", from_on)])
    if from_on < max(today.isoformat(), state.suspensions[-1].from_on):
        faults.append(fault("from_on", "IN_THE_PAST", "before today, or before the suspension"))
    elif from_on > state.plan.ends_on:
        faults.append(fault("from_on", "TOO_FAR", f"the order ends on {state.plan.ends_on}"))
    refuse_faults(faults)
    first = date.fromisoformat(from_on)
    found = window(
        calendar,
        state.plan,
        state.suspensions[:-1],
        first=first,
        now=decision.context.recorded_at,
        not_before=decision.context.recorded_at,
    )
    return (
        e.StandingResumed(
            from_on=from_on,
            suspended_until=date.fromordinal(first.toordinal() - 1).isoformat(),
            visits=_new_visits(decision, found.starts),
            schedule_at=found.schedule_at,
            scheduled_until=found.scheduled_until.isoformat(),
        ),
    )


def _new_visits(decision: StandingDecision[Any], starts: tuple[Any, ...]) -> tuple[Visit, ...]:
    """Visits at those times that no other one has."""
    state = decision.state
    free = [moment for moment in starts if overlapping(state, moment) is None]
    return tuple(
        [
            decision.calendar.visit(number, moment)
            for number, moment in enumerate(free, start=state.visits_made + 1)
        ]
    )


def _end(decision: StandingDecision[c.EndStanding]) -> tuple[e.StandingEvent, ...]:
    _require_reason(decision.state, decision.command.reason.code)
    return _ended(decision.state, decision.command.reason, with_referral=False)


def _follow_referral(decision: StandingDecision[c.FollowReferral]) -> tuple[e.StandingEvent, ...]:
    """An order that is over already has nothing to end."""
    if not is_live(decision.state):
        return ()
    return _ended(decision.state, decision.command.reason, with_referral=True)


def _ended(state: StandingOrder, reason: CodedReason, *, with_referral: bool) -> tuple[e.StandingEvent, ...]:
    cancelled = tuple([visit.id for visit in scheduled(state)])
    return (e.StandingEnded(reason=reason, cancelled=cancelled, with_referral=with_referral),)


def _require_reason(state: StandingOrder, code: str) -> None:
    if not code:
        refuse(state, FailedRule(code="REASON_MISSING", text=texts.REASON_MISSING))


def _meet_deadline(decision: StandingDecision[c.MeetDeadline]) -> tuple[e.StandingEvent, ...]:
    """What follows when a deadline is due; nothing when it is no longer open."""
    state, key = decision.state, decision.command.key
    if all(deadline.key != key for deadline in deadlines(state)):
        return ()
    due, _, subject = key.partition(":")
    if due == "visit":
        late = tuple([visit for visit in scheduled(state) if visit.id == subject])
        return visits.missed(decision, late, None, by_deadline=True)
    if due == "complete":
        return _complete(decision)
    found = window(
        decision.calendar,
        state.plan,
        state.suspensions,
        first=date.fromordinal(date.fromisoformat(state.scheduled_until).toordinal() + 1),
        now=decision.context.recorded_at,
    )
    return (
        e.VisitsScheduled(
            visits=_new_visits(decision, found.starts),
            schedule_at=found.schedule_at,
            scheduled_until=found.scheduled_until.isoformat(),
        ),
    )


def _complete(decision: StandingDecision[c.MeetDeadline]) -> tuple[e.StandingEvent, ...]:
    """After an outage this may come before the visits' own deadlines: they are met first."""
    late = scheduled(decision.state)
    return (*visits.missed(decision, late, None, by_deadline=True), e.StandingCompleted())


_BUILD: dict[type[c.StandingCommand], Callable[[StandingDecision[Any]], tuple[e.StandingEvent, ...]]] = {
    c.RecordVisit: visits.record,
    c.ReportMissedVisit: visits.report_missed,
    c.MoveVisit: visits.move,
    c.SuspendStanding: _suspend,
    c.ResumeStanding: _resume,
    c.EndStanding: _end,
    c.FollowReferral: _follow_referral,
    c.MeetDeadline: _meet_deadline,
}
