"""The fold of a standing order's events. It reads the event and its metadata, and nothing else."""

from collections.abc import Callable, Iterable
from typing import Any

from services.referral.domain import standing_events as e
from services.referral.domain.standing_state import VISITS_KEPT, StandingOrder, missed_run, visit_named
from services.referral.domain.standing_transitions import state_after
from services.referral.domain.standing_values import Suspension, Visit, VisitState
from services.shared.kernel.command import EventMetadata, Recorded
from services.shared.kernel.frozen import changed

Changes = dict[str, Any]


def evolve(state: StandingOrder | None, recorded: Recorded[e.StandingEvent]) -> StandingOrder:
    """The state after the event. Raises ValueError when the table has no such event in this state."""
    event, metadata = recorded.event, recorded.metadata
    after = state_after(None if state is None else state.state, event)
    if state is None:
        if not isinstance(event, e.StandingScheduled):
            raise ValueError(f"{type(event).__name__} cannot be the first event")
        return _begun(event, metadata)
    changes = _CHANGES[type(event)](state, event, metadata)
    visits = kept(changes.get("visits", state.visits))
    changes.update(
        visits=visits,
        missed_in_a_row=len(missed_run(visits)),
        state=after,
        version=metadata.version,
        update_time=metadata.recorded_at,
    )
    return changed(state, **changes)


def kept(visits: Iterable[Visit]) -> tuple[Visit, ...]:
    """By their beginning: what is to come, and the latest that are over."""
    ordered = sorted(visits, key=lambda visit: (visit.starts_at, int(visit.id[1:])))
    over = [visit for visit in ordered if visit.state is not VisitState.SCHEDULED]
    dropped = {visit.id for visit in over[: max(0, len(over) - VISITS_KEPT)]}
    return tuple([visit for visit in ordered if visit.id not in dropped])


def _begun(event: e.StandingScheduled, metadata: EventMetadata) -> StandingOrder:
    return StandingOrder(
        name=metadata.aggregate_id,
        version=metadata.version,
        referral=event.referral,
        episode=event.episode,
        patient=event.patient,
        origin_facility=event.origin_facility,
        facility=event.facility,
        pathway=event.pathway,
        urgency=event.urgency,
        state=state_after(None, event),
        plan=event.plan,
        visits=kept(event.visits),
        scheduled_until=event.scheduled_until,
        create_time=metadata.recorded_at,
        update_time=metadata.recorded_at,
        visits_made=len(event.visits),
        schedule_at=event.schedule_at,
        ends_at=event.ends_at,
    )


def with_visits(order: StandingOrder, names: Iterable[str], /, **changes: Any) -> tuple[Visit, ...]:
    """The visits with some of them changed. Raises ValueError for one that is not there."""
    wanted = frozenset(names)
    if not wanted <= {visit.id for visit in order.visits}:
        raise ValueError(f"{order.name} has not all of {sorted(wanted)}")
    return tuple([changed(visit, **changes) if visit.id in wanted else visit for visit in order.visits])


def _scheduled(state: StandingOrder, event: e.VisitsScheduled, _: EventMetadata) -> Changes:
    return {
        "visits": (*state.visits, *event.visits),
        "visits_made": state.visits_made + len(event.visits),
        "schedule_at": event.schedule_at,
        "scheduled_until": event.scheduled_until,
    }


def _attended(state: StandingOrder, event: e.VisitAttended, metadata: EventMetadata) -> Changes:
    visits = with_visits(
        state,
        (event.visit,),
        state=VisitState.ATTENDED,
        attended_at=event.attended_at,
        recorded_by=metadata.actor.user,
        note=event.note,
        recorded_late=event.recorded_late,
    )
    return {
        "visits": visits,
        "attended_count": state.attended_count + 1,
        "missed_count": state.missed_count - event.recorded_late,
    }


def _missed(state: StandingOrder, event: e.VisitMissed, metadata: EventMetadata) -> Changes:
    visits = with_visits(
        state,
        (event.visit,),
        state=VisitState.MISSED,
        recorded_by=metadata.actor.user,
        reason=event.reason,
        missed_by_deadline=event.by_deadline,
    )
    return {"visits": visits, "missed_count": state.missed_count + 1}


def _missed_in_a_row(state: StandingOrder, event: e.VisitsMissedInARow, _: EventMetadata) -> Changes:
    """An alert: the visits say it already."""
    return {}


def _moved(state: StandingOrder, event: e.VisitMoved, metadata: EventMetadata) -> Changes:
    """A missed visit stays missed when another one makes good for it."""
    before = visit_named(state, event.visit)
    missed = before is not None and before.state is VisitState.MISSED
    visits = with_visits(
        state,
        (event.visit,),
        state=VisitState.MISSED if missed else VisitState.MOVED,
        moved_to=event.new_visit.id,
        recorded_by=metadata.actor.user,
        reason=event.reason,
        asked_by=event.asked_by,
    )
    return {
        "visits": (*visits, event.new_visit),
        "visits_made": state.visits_made + 1,
        "moved_count": state.moved_count + (not missed),
    }


def _suspended(state: StandingOrder, event: e.StandingSuspended, _: EventMetadata) -> Changes:
    gap: Suspension = event.suspension
    changes: Changes = {
        "suspensions": (*state.suspensions, gap),
        "visits": with_visits(state, event.cancelled, state=VisitState.CANCELLED, reason=gap.reason),
        "cancelled_count": state.cancelled_count + len(event.cancelled),
    }
    if not gap.until_on:
        changes["schedule_at"] = None
    return changes


def _resumed(state: StandingOrder, event: e.StandingResumed, metadata: EventMetadata) -> Changes:
    """The open suspension ended the day before."""
    *closed, last = state.suspensions
    return {
        **_scheduled(
            state,
            e.VisitsScheduled(
                visits=event.visits, schedule_at=event.schedule_at, scheduled_until=event.scheduled_until
            ),
            metadata,
        ),
        "suspensions": (*closed, changed(last, until_on=event.suspended_until)),
    }


def _ended(state: StandingOrder, event: e.StandingEnded, _: EventMetadata) -> Changes:
    return {
        "visits": with_visits(state, event.cancelled, state=VisitState.CANCELLED, reason=event.reason),
        "cancelled_count": state.cancelled_count + len(event.cancelled),
        "end_reason": event.reason,
        "schedule_at": None,
    }


def _completed(state: StandingOrder, event: e.StandingCompleted, _: EventMetadata) -> Changes:
    return {"schedule_at": None}


_CHANGES: dict[type[e.StandingEvent], Callable[[StandingOrder, Any, EventMetadata], Changes]] = {
    e.VisitsScheduled: _scheduled,
    e.VisitAttended: _attended,
    e.VisitMissed: _missed,
    e.VisitsMissedInARow: _missed_in_a_row,
    e.VisitMoved: _moved,
    e.StandingSuspended: _suspended,
    e.StandingResumed: _resumed,
    e.StandingEnded: _ended,
    e.StandingCompleted: _completed,
}
