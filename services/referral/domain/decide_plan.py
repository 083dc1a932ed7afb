"""Decisions on the rehabilitation plan of a referral down, and on the report that comes back."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias

from services.referral.domain.commands import FollowStanding
from services.referral.domain.commands_plan import (
    AcknowledgeOutcome,
    AmendPlan,
    CancelTask,
    CompleteTask,
    ExplainMissedTask,
)
from services.referral.domain.decision import Decision
from services.referral.domain.events import (
    Event,
    OutcomeAcknowledged,
    PlanAmended,
    StandingOrderOpened,
    StandingOrderOver,
    TaskCancelled,
    TaskCompleted,
    TaskMissExplained,
)
from services.referral.domain.offers_found import accepted_offer
from services.referral.domain.plan_faults import red_flag_faults, task_faults
from services.referral.domain.referral_state import Referral
from services.referral.domain.rehabilitation import (
    TASKS_MAX,
    RehabilitationPlan,
    RehabilitationTask,
    numbered,
    opened,
    task_named,
    unfinished,
)
from services.shared.kernel.refusals import FieldViolation

OfTask: TypeAlias = CompleteTask | CancelTask | ExplainMissedTask


def the_task(decision: Decision[OfTask]) -> RehabilitationTask:
    """The task that a command names. Raises ValueError when `task_command_faults` was not asked before."""
    task = task_named(decision.state.rehabilitation_plan, decision.command.task)
    if task is None:
        raise ValueError(f"{decision.state.name} has no task {decision.command.task}")
    return task


def task_command_faults(decision: Decision[OfTask]) -> list[FieldViolation]:
    if task_named(decision.state.rehabilitation_plan, decision.command.task) is None:
        return [_unknown("task", decision.command.task)]
    return []


def complete_faults(decision: Decision[CompleteTask]) -> list[FieldViolation]:
    faults = task_command_faults(decision)
    if _done_at(decision) > decision.context.recorded_at:
        description = "what was done cannot lie in the future"
        faults.append(FieldViolation(field="done_at", reason="IN_THE_FUTURE", description=description))
    return faults


def _unknown(field: str, task: str) -> FieldViolation:
    return FieldViolation(field=field, reason="UNKNOWN_TASK", description=f"the plan has no task {task}")


def _done_at(decision: Decision[CompleteTask]) -> datetime:
    """A device whose clock runs ahead does nothing in the future."""
    context = decision.context
    return decision.command.done_at or min(context.occurred_at, context.recorded_at)


def complete_task(decision: Decision[CompleteTask]) -> tuple[Event, ...]:
    """Late is what was done after its day, not what was written down after it."""
    task, done_at = the_task(decision), _done_at(decision)
    return (
        TaskCompleted(
            task=task.id,
            facility=decision.facility,
            done_at=done_at,
            done_by=decision.command.done_by or decision.context.actor.user,
            result=decision.command.result,
            late=done_at >= decision.policy.day_end(task.due_on),
        ),
    )


def cancel_task(decision: Decision[CancelTask]) -> tuple[Event, ...]:
    command = decision.command
    return (TaskCancelled(task=command.task, facility=decision.facility, reason=command.reason),)


def explain_missed_task(decision: Decision[ExplainMissedTask]) -> tuple[Event, ...]:
    command = decision.command
    return (TaskMissExplained(task=command.task, facility=decision.facility, reason=command.reason),)


def facilities_of(state: Referral) -> tuple[str, ...]:
    """Whose people may be responsible for a task."""
    accepted = accepted_offer(state.offers)
    return (state.origin_facility, *((accepted.facility,) if accepted else ()))


def amend_faults(decision: Decision[AmendPlan]) -> list[FieldViolation]:
    """An amendment changes something, in a plan of bounded length, and not for a day that is over."""
    command, plan = decision.command, decision.state.rehabilitation_plan or RehabilitationPlan()
    if not (command.tasks or command.medications or command.red_flags or command.emergency_red_flags):
        description = "say which tasks, medication or red flags are to change"
        return [FieldViolation(field="tasks", reason="NOTHING_TO_AMEND", description=description)]
    faults = list(task_faults(command.tasks, facilities_of(decision.state), "tasks"))
    red_flags = command.red_flags or plan.red_flags
    emergencies = command.emergency_red_flags or plan.emergency_red_flags
    faults.extend(red_flag_faults(red_flags, emergencies, "emergency_red_flags"))
    if faults:
        return faults
    new = sum(not task.id for task in command.tasks)
    if len(plan.tasks) + new > TASKS_MAX:
        description = f"a plan has at most {TASKS_MAX} tasks"
        faults.append(FieldViolation(field="tasks", reason="TOO_MANY_TASKS", description=description))
    faults.extend(_changed_task_faults(decision, plan))
    return faults


def _changed_task_faults(decision: Decision[AmendPlan], plan: RehabilitationPlan) -> Iterator[FieldViolation]:
    seen: set[str] = set()
    for index, task in enumerate(decision.command.tasks):
        if decision.policy.day_end(task.due_on) <= decision.context.recorded_at:
            yield FieldViolation(
                field=f"tasks[{index}].due_on", reason="IN_THE_PAST", description=f"{task.due_on} is over"
            )
        if not task.id:
            continue
        known = task_named(plan, task.id)
        if known is None:
            yield _unknown(f"tasks[{index}].id", task.id)
        elif not unfinished(known) or task.id in seen:
            yield FieldViolation(
                field=f"tasks[{index}].id",
                reason="TASK_SETTLED",
                description=f"{task.id} is done or cancelled, or changed twice",
            )
        seen.add(task.id)


def amend_plan(decision: Decision[AmendPlan]) -> tuple[Event, ...]:
    command, plan = decision.command, decision.state.rehabilitation_plan or RehabilitationPlan()
    due_at = decision.policy.due_from(decision.context.recorded_at)
    changed = [_as_amended(task, plan, decision) for task in command.tasks if task.id]
    new = numbered([task for task in command.tasks if not task.id], due_at, after=len(plan.tasks))
    return (
        PlanAmended(
            facility=decision.facility,
            tasks=(*changed, *new),
            medications=command.medications,
            red_flags=command.red_flags,
            emergency_red_flags=command.emergency_red_flags,
            reason=command.reason,
        ),
    )


def _as_amended(
    task: RehabilitationTask, plan: RehabilitationPlan, decision: Decision[AmendPlan]
) -> RehabilitationTask:
    """Open again on its new day; that it was missed once stays with it."""
    known = task_named(plan, task.id) or task
    again = opened(task, task.id, decision.policy.due_from(decision.context.recorded_at))
    return replace(again, kind=task.kind or known.kind, was_missed=known.was_missed)


def follow_standing(decision: Decision[FollowStanding]) -> tuple[Event, ...]:
    """News of an order that is not this referral's any more changes nothing."""
    state, command = decision.state, decision.command
    if not command.over:
        return (StandingOrderOpened(standing_order=command.standing_order),)
    if state.standing_order != command.standing_order:
        return ()
    return (StandingOrderOver(standing_order=command.standing_order),)


def acknowledge_outcome(decision: Decision[AcknowledgeOutcome]) -> tuple[Event, ...]:
    """Read is read: a second time changes nothing."""
    if decision.state.outcome_acknowledged_at is not None:
        return ()
    return (OutcomeAcknowledged(facility=decision.facility),)
