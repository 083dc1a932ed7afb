"""The guards of the state table: named conditions, each with a code and what must hold in both languages.

A guard sees one decision; it neither writes nor raises. All guards of a row are asked, so that a refusal
names every one that fails.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from services.referral.domain import guard_conditions as when
from services.referral.domain import plan_conditions as plan
from services.referral.domain.decision import Decision
from services.referral.domain.guard_conditions import Values
from services.referral.domain.texts import filled, text
from services.shared.kernel.refusals import FailedRule
from services.shared.kernel.text import BilingualText


@dataclass(frozen=True, kw_only=True, slots=True)
class Guard:
    """One named condition."""

    #: of the refusal when it does not hold
    code: str
    #: what must hold, for the table in the documentation
    must: BilingualText
    check: Callable[[Decision[Any]], bool]
    #: values for the refusal's text, zh and en; None when it takes none
    values: Callable[[Decision[Any]], Values] | None = None

    def refusal(self, decision: Decision[Any]) -> FailedRule:
        if self.values is None:
            return FailedRule(code=self.code, text=text(self.code))
        return FailedRule(code=self.code, text=filled(self.code, *self.values(decision)))


def _must(zh: str, en: str) -> BilingualText:
    return BilingualText(zh=zh, en=en)


REASON = Guard(code="REASON_MISSING", must=_must("原因代码", "coded reason"), check=when.has_reason)
OFFER_OPEN = Guard(code="OFFER_NOT_OPEN", must=_must("申请未关闭", "offer open"), check=when.offer_open)
QUESTIONS = Guard(code="QUESTIONS_MISSING", must=_must("写明问题", "questions"), check=when.asks)
ANSWERS = Guard(code="ANSWERS_MISSING", must=_must("写明答复", "answers"), check=when.answers)
CLINICIAN_NAMED = Guard(
    code="CLINICIAN_NOT_NAMED",
    must=_must("指定接诊医师", "named accepting clinician"),
    check=when.clinician_named,
)
HOPS_LEFT = Guard(
    code="HOPS_EXHAUSTED", must=_must("改派未达上限", "hops left"), check=when.hops_left, values=when.hops
)
REVIEW_OPEN = Guard(
    code="REVIEW_NOT_OPEN", must=_must("有待补审事项", "a review afterwards is open"), check=when.review_open
)
BED_READY = Guard(
    code="BED_NOT_READY",
    must=_must("床位已预留、无需床位或急诊直通", "bed HELD, not needed, or emergency-room bypass"),
    check=when.bed_ready,
    values=when.bed,
)
BYPASS_GRANTED = Guard(
    code="BYPASS_NOT_GRANTED",
    must=_must("急诊直通须经接收机构同意", "a bypass that is claimed was granted by the destination"),
    check=when.bypass_granted,
)
BYPASS_FITS = Guard(
    code="BYPASS_NOT_URGENT",
    must=_must("急诊直通限急危重和急症患者", "a bypass is of an emergency or urgent patient"),
    check=when.bypass_fits,
)
TRANSPORT_KNOWN = Guard(
    code="TRANSPORT_MISSING", must=_must("转运已安排", "transport known"), check=when.transport_known
)
CREW_FITS = Guard(
    code="CREW_TOO_LOW",
    must=_must("转运配置符合病情", "crew level fits acuity"),
    check=when.crew_fits,
    values=when.crew,
)
HANDED_OVER = Guard(
    code="HANDOVER_MISSING", must=_must("交接单", "handover document"), check=when.handed_over
)
FILED = Guard(
    code="FILING_MISSING",
    must=_must("按规定已办异地就医备案", "insurance filing where the norms ask for it"),
    check=when.filed,
)
ELSEWHERE = Guard(
    code="DESTINATION_NOT_NEW", must=_must("新的接收机构", "new destination"), check=when.elsewhere
)
ROOM_FOR_RESULTS = Guard(
    code="TOO_MANY_RESULTS",
    must=_must("结果数量未超上限", "room for the results"),
    check=when.room_for_results,
    values=when.results_most,
)
IDENTITY = Guard(
    code="PATIENT_MISMATCH",
    must=_must("患者身份相符", "patient identity matched"),
    check=when.identity_matches,
)
WINDOW_PASSED = Guard(
    code="WINDOW_NOT_PASSED",
    must=_must("预约时段已过", "window passed"),
    check=when.window_passed,
    values=when.window,
)
DISCHARGE_SUMMARY = Guard(
    code="DISCHARGE_SUMMARY_MISSING",
    must=_must("结局和出院小结", "outcome; discharge summary"),
    check=when.discharge_summary_given,
)
PLAN_COMPLETE = Guard(
    code="PLAN_INCOMPLETE",
    must=_must(
        "康复计划：带日期的任务、用药、警示症状", "rehabilitation plan: dated tasks, medication, red flags"
    ),
    check=when.plan_complete,
)
DOWNWARD = Guard(
    code="NOT_DOWNWARD", must=_must("接收机构层级更低", "destination of a lower level"), check=when.downward
)
NOT_REFERRED_BACK = Guard(
    code="REFERRED_BACK_ALREADY",
    must=_must("尚未下转，或下转未成", "not referred back, or that came to nothing"),
    check=when.not_referred_back,
)
REPORT_ACKNOWLEDGED = Guard(
    code="REPORT_NOT_ACKNOWLEDGED",
    must=_must("诊疗结果已阅", "outcome report acknowledged"),
    check=when.report_acknowledged,
)
CHILD_FOLLOWED_UP = Guard(
    code="CHILD_NOT_FOLLOWED_UP",
    must=_must(
        "如已下转，患者已到达且有首次随访", "if referred back, the child has arrived and was followed up once"
    ),
    check=plan.child_followed_up,
    values=plan.child_open_end,
)
TASK_UNFINISHED = Guard(
    code="TASK_SETTLED",
    must=_must("任务未完成或已逾期", "task open or missed"),
    check=plan.task_unfinished,
    values=plan.task,
)
NO_FOLLOW_UP = Guard(
    code="TASK_IS_FOLLOW_UP",
    must=_must("非随访任务", "no follow-up"),
    check=plan.no_follow_up,
    values=plan.task,
)
TASK_OPEN = Guard(
    code="TASK_NOT_OPEN", must=_must("任务未完成", "task open"), check=plan.task_open, values=plan.task
)
TASK_MISSED = Guard(
    code="TASK_NOT_MISSED", must=_must("任务已逾期", "task missed"), check=plan.task_missed, values=plan.task
)
NO_STANDING = Guard(
    code="STANDING_RUNNING",
    must=_must("长期就诊计划已结束", "standing order over"),
    check=plan.no_standing,
    values=plan.standing,
)
TASKS_SETTLED = Guard(
    code="TASKS_NOT_SETTLED",
    must=_must(
        "下转：任务已完成、取消或说明逾期原因",
        "of a DOWN referral: each task done, cancelled, or explained when missed",
    ),
    check=plan.tasks_settled,
    values=plan.unsettled,
)
CERTIFIER = Guard(
    code="CERTIFIER_MISSING", must=_must("死亡时间、签署人", "time, certifier"), check=when.certifier_named
)
SOMETHING_GIVEN = Guard(
    code="NOTHING_GIVEN", must=_must("写明补记内容", "what is completed"), check=when.something_given
)
ERROR_CLAIMED = Guard(
    code="ERROR_NOT_CLAIMED",
    must=_must("转出机构已提出作废", "the origin calls it an error"),
    check=when.error_claimed,
)
SECOND_PERSON = Guard(
    code="SECOND_APPROVER_MISSING",
    must=_must(
        "接收后：转出机构提出，接收机构转诊办或协调员中的另一人确认",
        "after an acceptance: the origin says it first, and another person of the destination's referral"
        " office, or a coordinator, confirms",
    ),
    check=when.second_person,
)
ERROR_MARKED = Guard(
    code="ERROR_MARK_NOT_STANDING",
    must=_must("已提出作废且尚待确认", "called an error, and not confirmed yet"),
    check=when.error_marked,
)
