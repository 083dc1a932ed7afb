"""What is wrong in a rehabilitation plan as people give it; what is missing is for the norms to say."""

from collections.abc import Collection, Iterable, Iterator
from datetime import date

from services.referral.domain.rehabilitation import RehabilitationPlan, RehabilitationTask
from services.shared.kernel.refusals import FieldViolation

_FIELD = "rehabilitation_plan"


def plan_faults(plan: RehabilitationPlan, taking_part: Collection[str]) -> list[FieldViolation]:
    """Days that no calendar has, people of facilities that take no part, red flags that are none."""
    found = list(task_faults(plan.tasks, taking_part, f"{_FIELD}.tasks"))
    days = [(f"{_FIELD}.first_follow_up_on", plan.first_follow_up_on)]
    days.extend(
        (f"{_FIELD}.further_follow_ups_on[{index}]", day)
        for index, day in enumerate(plan.further_follow_ups_on)
    )
    found.extend(day_faults(days))
    found.extend(red_flag_faults(plan.red_flags, plan.emergency_red_flags, f"{_FIELD}.emergency_red_flags"))
    return found


def task_faults(
    tasks: Iterable[RehabilitationTask], taking_part: Collection[str], field: str
) -> Iterator[FieldViolation]:
    for index, task in enumerate(tasks):
        yield from day_faults([(f"{field}[{index}].due_on", task.due_on)])
        if task.responsible_facility and task.responsible_facility not in taking_part:
            yield FieldViolation(
                field=f"{field}[{index}].responsible_facility",
                reason="TAKES_NO_PART",
                description=f"{task.responsible_facility} is neither origin nor destination",
            )


def day_faults(days: Iterable[tuple[str, str]]) -> list[FieldViolation]:
    return [
        FieldViolation(field=field, reason="INVALID_DATE", description=f"{day} is no calendar day")
        for field, day in days
        if day and not _is_day(day)
    ]


def red_flag_faults(
    red_flags: Collection[str], emergencies: Iterable[str], field: str
) -> Iterator[FieldViolation]:
    for index, flag in enumerate(emergencies):
        if flag not in red_flags:
            yield FieldViolation(
                field=f"{field}[{index}]",
                reason="UNKNOWN_RED_FLAG",
                description=f"{flag} is none of the plan's red flags",
            )


def _is_day(day: str) -> bool:
    try:
        date.fromisoformat(day)
    except ValueError:
        return False
    return True
