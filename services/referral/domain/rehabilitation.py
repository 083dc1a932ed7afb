"""The rehabilitation plan that goes down with a patient: a contract of dated tasks.

A planned follow-up is a task like the others, of kind FOLLOW_UP: it falls due, is missed, explained, moved
and cancelled by the same rules, and is done by recording the follow-up.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from services.referral.domain.values import CodedReason

#: What a planned follow-up is called in the record.
FOLLOW_UP_DESCRIPTION = "随访"

#: Tasks of one plan, those included that are over.
TASKS_MAX = 200


class RehabilitationTaskKind(StrEnum):
    """What kind of work a task is."""

    FOLLOW_UP = "FOLLOW_UP"
    EXERCISE = "EXERCISE"
    NURSING = "NURSING"
    EXAMINATION = "EXAMINATION"
    MEDICATION = "MEDICATION"
    EDUCATION = "EDUCATION"
    OTHER = "OTHER"


class RehabilitationTaskState(StrEnum):
    """Where a task stands."""

    OPEN = "OPEN"
    DONE = "DONE"
    #: not done by the end of its day; it may still be done late
    MISSED = "MISSED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, kw_only=True, slots=True)
class RehabilitationTask:
    """One dated task of the plan."""

    description: str
    #: YYYY-MM-DD
    due_on: str
    #: within the plan, such as `t3`
    id: str = ""
    #: None before the service has taken the plan in; then never
    kind: RehabilitationTaskKind | None = None
    #: facility that sees to it; empty is whoever has the patient
    responsible_facility: str = ""
    #: person or role that sees to it, in words
    responsible: str = ""
    #: None before the service has taken the plan in; then never
    state: RehabilitationTaskState | None = None
    #: when it is missed; None in plans that were recorded before tasks had deadlines
    due_at: datetime | None = None
    done_at: datetime | None = None
    done_by: str = ""
    result: str = ""
    #: done after its day
    late: bool = False
    #: missed at some time, whatever became of it
    was_missed: bool = False
    #: why it was cancelled, or missed
    reason: CodedReason | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RehabilitationPlan:
    """What the grassroots go on with."""

    tasks: tuple[RehabilitationTask, ...] = ()
    medications: tuple[str, ...] = ()
    #: signs that must bring the patient back up
    red_flags: tuple[str, ...] = ()
    #: YYYY-MM-DD
    first_follow_up_on: str = ""
    #: YYYY-MM-DD each
    further_follow_ups_on: tuple[str, ...] = ()
    #: those of the red flags that are an emergency
    emergency_red_flags: tuple[str, ...] = ()


#: When a task is missed, from its calendar day.
DueAt = Callable[[str], datetime]


def taken_in(plan: RehabilitationPlan, due_at: DueAt | None) -> RehabilitationPlan:
    """The plan as the service keeps it: tasks numbered and open, follow-ups among them.

    Without `due_at` nothing falls due: so for plans that were recorded before tasks had deadlines.
    """
    days = dict.fromkeys(day for day in (plan.first_follow_up_on, *plan.further_follow_ups_on) if day)
    follow_ups = [
        RehabilitationTask(
            description=FOLLOW_UP_DESCRIPTION, due_on=day, kind=RehabilitationTaskKind.FOLLOW_UP
        )
        for day in days
    ]
    return replace(plan, tasks=numbered((*plan.tasks, *follow_ups), due_at, after=0))


def numbered(
    tasks: Iterable[RehabilitationTask], due_at: DueAt | None, *, after: int
) -> tuple[RehabilitationTask, ...]:
    """New tasks of a plan that has `after` already: only what people may say of them is taken over."""
    return tuple([opened(task, f"t{number}", due_at) for number, task in enumerate(tasks, start=after + 1)])


def opened(task: RehabilitationTask, name: str, due_at: DueAt | None) -> RehabilitationTask:
    return RehabilitationTask(
        description=task.description,
        due_on=task.due_on,
        id=name,
        kind=task.kind or RehabilitationTaskKind.OTHER,
        responsible_facility=task.responsible_facility,
        responsible=task.responsible,
        state=RehabilitationTaskState.OPEN,
        due_at=due_at(task.due_on) if due_at is not None and task.due_on else None,
    )


def is_taken_in(plan: RehabilitationPlan) -> bool:
    return all(task.id for task in plan.tasks)


def tasks_of(plan: RehabilitationPlan | None) -> tuple[RehabilitationTask, ...]:
    return () if plan is None else plan.tasks


def task_named(plan: RehabilitationPlan | None, name: str) -> RehabilitationTask | None:
    for task in tasks_of(plan):
        if task.id == name:
            return task
    return None


def with_tasks(plan: RehabilitationPlan, tasks: Iterable[RehabilitationTask]) -> RehabilitationPlan:
    """The plan with tasks changed by their ids; those it has not are added."""
    changed = {task.id: task for task in tasks}
    kept = [changed.pop(task.id, task) for task in plan.tasks]
    return replace(plan, tasks=(*kept, *changed.values()))


def open_ends(plan: RehabilitationPlan | None) -> tuple[RehabilitationTask, ...]:
    """Tasks that keep the referral from being closed: open, or missed without a word why."""
    return tuple([task for task in tasks_of(plan) if _is_open_end(task)])


def _is_open_end(task: RehabilitationTask) -> bool:
    if task.state is RehabilitationTaskState.MISSED:
        return task.reason is None
    return task.state is RehabilitationTaskState.OPEN


def follow_up_due(plan: RehabilitationPlan | None, day: date, early_days: int) -> RehabilitationTask | None:
    """The planned follow-up that a visit on `day` fulfils: the nearest that is not done, the earlier of two.

    None when all lie more than `early_days` ahead: such a visit was not the planned one.
    """

    def away(task: RehabilitationTask) -> int:
        return (date.fromisoformat(task.due_on) - day).days

    waiting = [
        task
        for task in tasks_of(plan)
        if task.kind is RehabilitationTaskKind.FOLLOW_UP and unfinished(task) and away(task) <= early_days
    ]
    return min(waiting, key=lambda task: (abs(away(task)), task.due_on), default=None)


def unfinished(task: RehabilitationTask) -> bool:
    """Whether it may still be done."""
    return task.state in (RehabilitationTaskState.OPEN, RehabilitationTaskState.MISSED)
