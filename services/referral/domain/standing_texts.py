"""What standing orders and their visits are called, and what people read when a command is refused."""

from datetime import datetime, timedelta, timezone

from services.referral.domain.standing_values import StandingOrderState, Visit, VisitState
from services.shared.kernel.text import BilingualText


def _pair(zh: str, en: str) -> BilingualText:
    return BilingualText(zh=zh, en=en)


STATES: dict[StandingOrderState, BilingualText] = {
    StandingOrderState.ACTIVE: _pair("执行中", "active"),
    StandingOrderState.SUSPENDED: _pair("已暂停", "suspended"),
    StandingOrderState.COMPLETED: _pair("已完成", "completed"),
    StandingOrderState.ENDED: _pair("已终止", "ended"),
}

VISIT_STATES: dict[VisitState, BilingualText] = {
    VisitState.SCHEDULED: _pair("已排期", "scheduled"),
    VisitState.ATTENDED: _pair("已到诊", "attended"),
    VisitState.MISSED: _pair("未到诊", "missed"),
    VisitState.MOVED: _pair("已改期", "moved"),
    VisitState.CANCELLED: _pair("已取消", "cancelled"),
}

#: By command; English as it follows "to".
COMMANDS: dict[str, BilingualText] = {
    "ScheduleStanding": _pair("制定长期就诊计划", "schedule a standing order"),
    "RecordVisit": _pair("登记到诊", "record a visit"),
    "ReportMissedVisit": _pair("登记未到诊", "report a missed visit"),
    "MoveVisit": _pair("改期", "move a visit"),
    "SuspendStanding": _pair("暂停计划", "suspend it"),
    "ResumeStanding": _pair("恢复计划", "resume it"),
    "EndStanding": _pair("终止计划", "end it"),
}

#: By event, for timelines.
EVENTS: dict[str, BilingualText] = {
    "StandingScheduled": _pair("制定长期就诊计划", "standing order scheduled"),
    "VisitsScheduled": _pair("排定后续就诊", "further visits scheduled"),
    "VisitAttended": _pair("到诊", "visit attended"),
    "VisitMissed": _pair("未到诊", "visit missed"),
    "VisitsMissedInARow": _pair("连续未到诊", "visits missed in a row"),
    "VisitMoved": _pair("就诊改期", "visit moved"),
    "StandingSuspended": _pair("暂停长期就诊计划", "standing order suspended"),
    "StandingResumed": _pair("恢复长期就诊计划", "standing order resumed"),
    "StandingEnded": _pair("终止长期就诊计划", "standing order ended"),
    "StandingCompleted": _pair("长期就诊计划期满", "standing order completed"),
}

FACILITY_ONLY = _pair("须由承接就诊的机构操作", "this is for the facility of the visits to do")
PARTIES_ONLY = _pair("须由转出机构或承接就诊的机构操作", "this is for one of the two facilities to do")
WRONG_ROLE = _pair("该操作须由医师或转诊办执行", "this needs a clinician or the referral office")
SYSTEM_ONLY = _pair("该操作由系统执行", "only the system does this")

NOT_ACCEPTED = _pair(
    "转诊须已接收且尚未完成治疗，方可制定长期就诊计划", "the referral must be accepted and not yet treated"
)
NOT_STANDING = _pair(
    "仅血液透析、康复、日间手术路径可制定长期就诊计划",
    "only haemodialysis, rehabilitation and day surgery mean many visits",
)
ALREADY_SCHEDULED = _pair("该计划已制定", "this standing order was scheduled before")
REASON_MISSING = _pair("须填写原因代码", "a coded reason is needed")


def running(order: str) -> BilingualText:
    return _pair(f"长期就诊计划 {order} 尚未结束", f"the standing order {order} is not over")


def not_in_state(state: StandingOrderState, command: str) -> BilingualText:
    """The table has no such row."""
    label, named = STATES[state], COMMANDS.get(command, _pair(command, command))
    return _pair(
        f"长期就诊计划当前状态为“{label.zh}”，不能{named.zh}",
        f"the standing order is {label.en}: it is not possible to {named.en}",
    )


def visit_over(visit: Visit, zone: timezone) -> BilingualText:
    label, when = VISIT_STATES[visit.state], _when(visit.starts_at, zone)
    return _pair(f"{when} 的就诊{visit.id}{label.zh}", f"visit {visit.id} of {when} is {label.en}")


def not_begun(visit: Visit, zone: timezone) -> BilingualText:
    when = _when(visit.starts_at, zone)
    return _pair(f"就诊 {visit.id} 未到时间（{when}）", f"visit {visit.id} begins at {when}")


def time_taken(visit: Visit, zone: timezone) -> BilingualText:
    when = _when(visit.starts_at, zone)
    return _pair(f"该时间已有就诊 {visit.id}（{when}）", f"visit {visit.id} of {when} is at the same time")


def _when(moment: datetime, zone: timezone) -> str:
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def zone_of(utc_offset_minutes: int) -> timezone:
    return timezone(timedelta(minutes=utc_offset_minutes))
