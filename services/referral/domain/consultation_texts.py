"""What people read when a command on a consultation is refused."""

from services.referral.domain.consultation_values import ConsultationState
from services.shared.kernel.text import BilingualText

_STATES: dict[ConsultationState, BilingualText] = {
    ConsultationState.REQUESTED: BilingualText(zh="待接单", en="waiting to be claimed"),
    ConsultationState.CLAIMED: BilingualText(zh="已接单", en="claimed"),
    ConsultationState.RETURNED: BilingualText(zh="已退回", en="returned"),
    ConsultationState.REPORTED: BilingualText(zh="已出报告", en="reported"),
    ConsultationState.CANCELLED: BilingualText(zh="已撤销", en="cancelled"),
}

CLINICIAN_ONLY = BilingualText(zh="须由医疗机构的医师操作", en="only a clinician of a facility may do this")
REQUESTER_ONLY = BilingualText(
    zh="须由申请机构的医师操作", en="only a clinician of the requesting facility may do this"
)
CENTRE_ONLY = BilingualText(
    zh="须由会诊中心的医师操作", en="only a clinician of the centre facility may do this"
)
CLAIMER_ONLY = BilingualText(
    zh="须由接单医师本人操作", en="only the clinician who claimed the consultation may do this"
)
SYSTEM_ONLY = BilingualText(zh="时限由系统处理", en="only the system meets deadlines")

EITHER_ONLY = BilingualText(
    zh="须由申请机构或会诊中心的医师操作",
    en="only a clinician of the requesting facility or of the centre may do this",
)

NO_CRITICAL_VALUE = BilingualText(zh="报告无危急值，无需确认", en="the report has no critical value")
ACKNOWLEDGED_ALREADY = BilingualText(zh="危急值已确认", en="the critical value was acknowledged before")
NO_EXPERT_VISIT = BilingualText(zh="会诊意见未安排专家来诊", en="the report plans no expert's visit")
VISIT_CONFIRMED = BilingualText(zh="专家来诊已确认", en="the visit is confirmed already")
VISIT_OVER = BilingualText(zh="专家来诊已完成或已取消", en="the visit was held or cancelled")

REQUESTER_UNKNOWN = BilingualText(
    zh="贵机构未列入机构目录，不能申请会诊", en="your facility is not in the directory and cannot ask"
)

OWN_FACILITY = "a consultation goes to another facility's centre"
EXPERT_MISSING = "EXPERT_VISIT names the expert who comes"
EXPERT_TIME_MISSING = "EXPERT_VISIT says when the expert comes"
EXPERT_STRAY = "goes with the recommendation EXPERT_VISIT only"
DESTINATION_STRAY = "goes with the recommendation TRANSFER only"
DESTINATION_TWICE = "is listed twice"
DESTINATION_IS_ORIGIN = "the patient is at this facility already"
DESTINATIONS_DIFFER = "differs from the first of transfer.destinations"
VISIT_DIFFERS = "differs from expert_visit"
VISIT_OF_REQUESTER = "an expert comes from another facility"
FOUND_IN_FUTURE = "lies after the report"
DETAIL_STRAY = "goes with another kind of consultation"
ACQUIRED_IN_FUTURE = "lies in the future"
REASON_UNKNOWN = "is no reason for returning this kind of consultation"
REASON_TEXT_MISSING = "this code needs a text"


def unknown_centre(facility: str) -> str:
    return f"facility {facility} is not in the directory"


def not_in_state(state: ConsultationState, command: str) -> BilingualText:
    """The table has no such row."""
    text = _STATES[state]
    return BilingualText(
        zh=f"会诊{text.zh}，不能执行 {command}",
        en=f"the consultation is {text.en}: {command} is not possible",
    )


def claimed_by(facility: str, name: str) -> BilingualText:
    """Somebody was faster."""
    return BilingualText(
        zh=f"会诊已由 {facility} 的{name}接单", en=f"the consultation is claimed by {name} of {facility}"
    )


def centre_lacks(facility: str, capability: str) -> BilingualText:
    """The facility that is asked has no such centre."""
    return BilingualText(
        zh=f"{facility} 未设 {capability} 中心，不能受理此类会诊",
        en=f"{facility} has no {capability} centre to answer this consultation",
    )
