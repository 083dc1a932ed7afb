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

OWN_FACILITY = "a consultation goes to another facility's centre"
EXPERT_MISSING = "EXPERT_VISIT names the expert who comes"
EXPERT_TIME_MISSING = "EXPERT_VISIT says when the expert comes"
EXPERT_STRAY = "goes with the recommendation EXPERT_VISIT only"
DESTINATION_STRAY = "goes with the recommendation TRANSFER only"
DESTINATION_IS_ORIGIN = "the patient is at this facility already"


def not_in_state(state: ConsultationState, command: str) -> BilingualText:
    """The table has no such row."""
    text = _STATES[state]
    return BilingualText(
        zh=f"会诊{text.zh}，不能执行 {command}",
        en=f"the consultation is {text.en}: {command} is not possible",
    )


def centre_lacks(facility: str, capability: str) -> BilingualText:
    """The facility that is asked has no such centre."""
    return BilingualText(
        zh=f"{facility} 未设 {capability} 中心，不能受理此类会诊",
        en=f"{facility} has no {capability} centre to answer this consultation",
    )
