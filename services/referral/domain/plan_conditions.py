"""What the guards of the rehabilitation plan and of closure look at, and the values of their texts."""

from collections.abc import Sequence

from services.referral.domain.commands import CloseReferral
from services.referral.domain.commands_plan import CancelTask, CompleteTask, ExplainMissedTask
from services.referral.domain.decide_plan import the_task
from services.referral.domain.decision import Decision
from services.referral.domain.guard_conditions import ARRIVED, NO_FOLLOW_UP, Values
from services.referral.domain.labels import STATES
from services.referral.domain.labels_plan import TASK_STATES
from services.referral.domain.rehabilitation import (
    RehabilitationTask,
    RehabilitationTaskKind,
    RehabilitationTaskState,
    open_ends,
    unfinished,
)
from services.referral.domain.values import Direction


def task_unfinished(decision: Decision[CompleteTask]) -> bool:
    return unfinished(the_task(decision))


def no_follow_up(decision: Decision[CompleteTask]) -> bool:
    return the_task(decision).kind is not RehabilitationTaskKind.FOLLOW_UP


def task_open(decision: Decision[CancelTask]) -> bool:
    return the_task(decision).state is RehabilitationTaskState.OPEN


def task_missed(decision: Decision[ExplainMissedTask]) -> bool:
    return the_task(decision).state is RehabilitationTaskState.MISSED


def task(decision: Decision[CompleteTask | CancelTask | ExplainMissedTask]) -> Values:
    return _named((the_task(decision),))


def tasks_settled(decision: Decision[CloseReferral]) -> bool:
    """Of a referral down: each task done, cancelled, or missed and explained."""
    return not _open_ends(decision)


def unsettled(decision: Decision[CloseReferral]) -> Values:
    return _named(_open_ends(decision))


def no_standing(decision: Decision[CloseReferral]) -> bool:
    return not decision.state.standing_order


def standing(decision: Decision[CloseReferral]) -> Values:
    values = {"order": decision.state.standing_order}
    return values, values


def _open_ends(decision: Decision[CloseReferral]) -> Sequence[RehabilitationTask]:
    state = decision.state
    return open_ends(state.rehabilitation_plan) if state.direction is Direction.DOWN else ()


def _named(tasks: Sequence[RehabilitationTask]) -> Values:
    """Each task by its id, what it is, its day and where it stands."""
    zh = [f"{each.id} {each.description}（{each.due_on}，{_state(each, zh=True)}）" for each in tasks]
    en = [f"{each.id} {each.description} ({each.due_on}, {_state(each, zh=False)})" for each in tasks]
    return {"tasks": "；".join(zh)}, {"tasks": "; ".join(en)}


def _state(each: RehabilitationTask, *, zh: bool) -> str:
    label = TASK_STATES[each.state or RehabilitationTaskState.OPEN]
    return label.zh if zh else label.en


def child_followed_up(decision: Decision[CloseReferral]) -> bool:
    """Referred back: arrived and followed up once; a referral back that was called off asks for nothing."""
    if not decision.state.referred_back_to:
        return True
    child = decision.child
    if child is None:
        return False
    return child.state in NO_FOLLOW_UP or (child.state in ARRIVED and bool(child.follow_ups))


def child_open_end(decision: Decision[CloseReferral]) -> Values:
    """The referral back, and what of it is still open."""
    name, child = decision.state.referred_back_to, decision.child
    if child is None:
        return {"child": name, "open": "未找到"}, {"child": name, "open": "not found"}
    if child.state not in ARRIVED:
        state = STATES[child.state]
        return (
            {"child": name, "open": f"患者尚未到达（{state.zh}）"},
            {"child": name, "open": f"the patient has not arrived ({state.en})"},
        )
    plan = child.rehabilitation_plan
    day = plan.first_follow_up_on if plan is not None else ""
    return (
        {"child": name, "open": f"尚无首次随访（计划 {day or '未定'}）"},
        {"child": name, "open": f"no first follow-up (planned {day or 'for no day'})"},
    )
