"""Decisions on single visits: attended, missed, moved."""

from datetime import date, datetime

from services.referral.domain import standing_commands as c
from services.referral.domain import standing_events as e
from services.referral.domain import standing_texts as texts
from services.referral.domain.standing_calendar import is_suspended
from services.referral.domain.standing_decision import StandingDecision, fault, refuse, refuse_faults
from services.referral.domain.standing_fold import with_visits
from services.referral.domain.standing_state import StandingOrder, missed_run, overlapping, visit_named
from services.referral.domain.standing_values import Visit, VisitState
from services.referral.domain.values import CodedReason
from services.shared.kernel.refusals import FailedRule, FieldViolation, InvalidInput


def _visit(state: StandingOrder, name: str) -> Visit:
    """Raises InvalidInput when the order has no such visit, or shows it no longer."""
    visit = visit_named(state, name)
    if visit is None:
        raise InvalidInput(fault("visit", "UNKNOWN_VISIT", f"the standing order shows no visit {name}"))
    return visit


def record(decision: StandingDecision[c.RecordVisit]) -> tuple[e.StandingEvent, ...]:
    """Somebody who came is never left as missed: it is put right, and marked."""
    state, command, context = decision.state, decision.command, decision.context
    visit = _visit(state, command.visit)
    attended_at = command.attended_at or min(context.occurred_at, context.recorded_at)
    faults = []
    if attended_at > context.recorded_at:
        faults.append(fault("attended_at", "IN_THE_FUTURE", "nobody came in the future"))
    if decision.calendar.day_of(attended_at).isoformat() != visit.day:
        faults.append(fault("attended_at", "NOT_ON_ITS_DAY", f"the visit is on {visit.day}: move it"))
    refuse_faults(faults)
    if visit.state not in (VisitState.SCHEDULED, VisitState.MISSED):
        refuse(state, FailedRule(code="VISIT_OVER", text=texts.visit_over(visit, decision.calendar.zone)))
    return (
        e.VisitAttended(
            visit=visit.id,
            facility=state.facility,
            attended_at=attended_at,
            note=command.note,
            recorded_late=visit.state is VisitState.MISSED,
        ),
    )


def report_missed(decision: StandingDecision[c.ReportMissedVisit]) -> tuple[e.StandingEvent, ...]:
    state, command, zone = decision.state, decision.command, decision.calendar.zone
    visit = _visit(state, command.visit)
    failed = []
    if visit.state is not VisitState.SCHEDULED:
        failed.append(FailedRule(code="VISIT_OVER", text=texts.visit_over(visit, zone)))
    if min(decision.context.occurred_at, decision.context.recorded_at) < visit.starts_at:
        failed.append(FailedRule(code="VISIT_NOT_BEGUN", text=texts.not_begun(visit, zone)))
    refuse(state, *failed)
    return missed(decision, (visit,), command.reason, by_deadline=False)


def missed(
    decision: StandingDecision[c.ReportMissedVisit] | StandingDecision[c.MeetDeadline],
    visits: tuple[Visit, ...],
    reason: CodedReason | None,
    *,
    by_deadline: bool,
) -> tuple[e.StandingEvent, ...]:
    """With them, the alert when the patient has stayed away again and again."""
    state = decision.state
    events: list[e.StandingEvent] = [
        e.VisitMissed(
            visit=visit.id,
            facility=state.facility,
            starts_at=visit.starts_at,
            reason=reason,
            by_deadline=by_deadline,
        )
        for visit in visits
    ]
    names = frozenset([visit.id for visit in visits])
    run = missed_run(with_visits(state, names, state=VisitState.MISSED))
    # A visit that is reported late, from before the patient came again, is nothing to run for.
    fresh = not names.isdisjoint([visit.id for visit in run])
    if fresh and len(run) >= decision.calendar.policy.missed_in_a_row:
        alert = e.VisitsMissedInARow(
            facility=state.facility,
            origin_facility=state.origin_facility,
            visits=tuple([visit.id for visit in run]),
            first_starts_at=run[0].starts_at,
            last_starts_at=run[-1].starts_at,
        )
        events.append(alert)
    return tuple(events)


def move(decision: StandingDecision[c.MoveVisit]) -> tuple[e.StandingEvent, ...]:
    """A visit to come takes another time; for a missed one another visit makes good, once."""
    state, command, calendar = decision.state, decision.command, decision.calendar
    visit = _visit(state, command.visit)
    refuse_faults(_time_faults(decision, command.starts_at))
    failed = []
    if not command.reason.code:
        failed.append(FailedRule(code="REASON_MISSING", text=texts.REASON_MISSING))
    if visit.state not in (VisitState.SCHEDULED, VisitState.MISSED) or visit.moved_to:
        failed.append(FailedRule(code="VISIT_OVER", text=texts.visit_over(visit, calendar.zone)))
    but = visit.id if visit.state is VisitState.SCHEDULED else ""
    other = overlapping(state, command.starts_at, but=but)
    if other is not None:
        failed.append(FailedRule(code="TIME_TAKEN", text=texts.time_taken(other, calendar.zone)))
    refuse(state, *failed)
    new_visit = calendar.visit(state.visits_made + 1, command.starts_at, moved_from=visit.id)
    return (
        e.VisitMoved(visit=visit.id, new_visit=new_visit, reason=command.reason, asked_by=command.asked_by),
    )


def _time_faults(decision: StandingDecision[c.MoveVisit], starts_at: datetime) -> list[FieldViolation]:
    state, day = decision.state, decision.calendar.day_of(starts_at)
    if starts_at <= decision.context.recorded_at:
        return [fault("starts_at", "IN_THE_PAST", "the new time is over")]
    if day > date.fromisoformat(state.scheduled_until):
        return [fault("starts_at", "TOO_FAR", f"visits are made up to {state.scheduled_until}")]
    if is_suspended(day, state.suspensions):
        return [fault("starts_at", "SUSPENDED_THEN", "there are no visits on that day")]
    return []
