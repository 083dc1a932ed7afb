"""What tasks of a rehabilitation plan are called, in both languages."""

from services.referral.domain.rehabilitation import RehabilitationTaskKind, RehabilitationTaskState
from services.shared.kernel.text import BilingualText


def _pair(zh: str, en: str) -> BilingualText:
    return BilingualText(zh=zh, en=en)


TASK_STATES: dict[RehabilitationTaskState, BilingualText] = {
    RehabilitationTaskState.OPEN: _pair("未完成", "open"),
    RehabilitationTaskState.DONE: _pair("已完成", "done"),
    RehabilitationTaskState.MISSED: _pair("逾期未做", "missed"),
    RehabilitationTaskState.CANCELLED: _pair("已取消", "cancelled"),
}

TASK_KINDS: dict[RehabilitationTaskKind, BilingualText] = {
    RehabilitationTaskKind.FOLLOW_UP: _pair("随访", "follow-up"),
    RehabilitationTaskKind.EXERCISE: _pair("康复训练", "exercise"),
    RehabilitationTaskKind.NURSING: _pair("护理", "nursing"),
    RehabilitationTaskKind.EXAMINATION: _pair("复查", "examination"),
    RehabilitationTaskKind.MEDICATION: _pair("用药核对", "medication"),
    RehabilitationTaskKind.EDUCATION: _pair("健康教育", "education"),
    RehabilitationTaskKind.OTHER: _pair("其他", "other"),
}

COMMANDS: dict[str, BilingualText] = {
    "CompleteTask": _pair("完成康复任务", "complete a task"),
    "CancelTask": _pair("取消康复任务", "cancel a task"),
    "ExplainMissedTask": _pair("说明逾期原因", "explain a missed task"),
    "AmendPlan": _pair("调整康复计划", "amend the plan"),
    "FollowStanding": _pair("更新长期就诊计划", "follow the standing order"),
    "AcknowledgeOutcome": _pair("确认已阅诊疗结果", "acknowledge the outcome report"),
}

EVENTS: dict[str, BilingualText] = {
    "TaskCompleted": _pair("康复任务完成", "task completed"),
    "TaskCancelled": _pair("康复任务取消", "task cancelled"),
    "TaskMissed": _pair("康复任务逾期未做", "task missed"),
    "FollowUpMissed": _pair("随访逾期未做", "follow-up missed"),
    "TaskMissExplained": _pair("说明逾期原因", "missed task explained"),
    "PlanAmended": _pair("调整康复计划", "plan amended"),
    "StandingOrderOpened": _pair("制定长期就诊计划", "standing order opened"),
    "StandingOrderOver": _pair("长期就诊计划结束", "standing order over"),
    "OutcomeAcknowledged": _pair("已阅诊疗结果", "outcome report acknowledged"),
}
