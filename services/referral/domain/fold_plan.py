"""What the events of the rehabilitation plan change in a referral."""

from collections.abc import Callable
from typing import Any

from services.referral.domain import events_plan as e
from services.referral.domain.events import Event
from services.referral.domain.fold_offers import Changes
from services.referral.domain.offers_found import accepted_offer
from services.referral.domain.referral_state import TERMINAL, Referral
from services.referral.domain.referral_values import ReferralState
from services.referral.domain.rehabilitation import (
    RehabilitationPlan,
    RehabilitationTaskState,
    task_named,
    with_tasks,
)
from services.shared.kernel.command import EventMetadata
from services.shared.kernel.frozen import changed


def _the_plan(state: Referral) -> RehabilitationPlan:
    """Raises ValueError when there is none: the table has these events of a plan alone."""
    if state.rehabilitation_plan is None:
        raise ValueError(f"{state.name} has no rehabilitation plan")
    return state.rehabilitation_plan


def with_task(referral: Referral, name: str, /, **changes: Any) -> Changes:
    """The plan with one task changed. Raises ValueError when the plan has no such task."""
    plan = _the_plan(referral)
    task = task_named(plan, name)
    if task is None:
        raise ValueError(f"{referral.name} has no task {name}")
    return {"rehabilitation_plan": with_tasks(plan, (changed(task, **changes),))}


def _completed(state: Referral, event: e.TaskCompleted, _: EventMetadata) -> Changes:
    return with_task(
        state,
        event.task,
        state=RehabilitationTaskState.DONE,
        done_at=event.done_at,
        done_by=event.done_by,
        result=event.result,
        late=event.late,
    )


def _cancelled(state: Referral, event: e.TaskCancelled, _: EventMetadata) -> Changes:
    return with_task(state, event.task, state=RehabilitationTaskState.CANCELLED, reason=event.reason)


def _missed(state: Referral, event: e.TaskMissed | e.FollowUpMissed, _: EventMetadata) -> Changes:
    return with_task(state, event.task, state=RehabilitationTaskState.MISSED, was_missed=True)


def _explained(state: Referral, event: e.TaskMissExplained, _: EventMetadata) -> Changes:
    return with_task(state, event.task, reason=event.reason)


def _amended(state: Referral, event: e.PlanAmended, _: EventMetadata) -> Changes:
    # A referral may have turned DOWN on the way (diverted, re-routed) and brought no plan.
    plan = with_tasks(state.rehabilitation_plan or RehabilitationPlan(), event.tasks)
    return {
        "rehabilitation_plan": changed(
            plan,
            medications=event.medications or plan.medications,
            red_flags=event.red_flags or plan.red_flags,
            emergency_red_flags=event.emergency_red_flags or plan.emergency_red_flags,
        )
    }


def _acknowledged(state: Referral, event: e.OutcomeAcknowledged, metadata: EventMetadata) -> Changes:
    return {"outcome_acknowledged_at": metadata.occurred_at}


def _standing_opened(state: Referral, event: e.StandingOrderOpened, _: EventMetadata) -> Changes:
    return {"standing_order": event.standing_order}


def _standing_over(state: Referral, event: e.StandingOrderOver, _: EventMetadata) -> Changes:
    return {"standing_order": ""}


def keeps_standing(before: Referral, changes: Changes, after: ReferralState) -> bool:
    """Whether a standing order goes on: the referral lives, and the same facility has accepted it."""
    offers = changes.get("offers", before.offers)
    was, now = accepted_offer(before.offers), accepted_offer(offers)
    same = was is not None and now is not None and was.facility == now.facility
    return same and after not in TERMINAL


PLAN: dict[type[Event], Callable[[Referral, Any, EventMetadata], Changes]] = {
    e.TaskCompleted: _completed,
    e.TaskCancelled: _cancelled,
    e.TaskMissed: _missed,
    e.FollowUpMissed: _missed,
    e.TaskMissExplained: _explained,
    e.PlanAmended: _amended,
    e.OutcomeAcknowledged: _acknowledged,
    e.StandingOrderOpened: _standing_opened,
    e.StandingOrderOver: _standing_over,
}
