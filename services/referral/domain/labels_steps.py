"""What the steps after acceptance are called, in both languages."""

from services.shared.kernel.text import BilingualText


def _pair(zh: str, en: str) -> BilingualText:
    return BilingualText(zh=zh, en=en)


COMMANDS: dict[str, BilingualText] = {
    "UpdateArrivalEstimate": _pair("更新预计到达时间", "update the expected arrival"),
}

EVENTS: dict[str, BilingualText] = {
    "ArrivalEstimateChanged": _pair("预计到达时间已更新", "expected arrival changed"),
    "BedAnswerOverdue": _pair("床位申请逾时未回复", "bed request not answered in time"),
    "DepartureOverdue": _pair("逾时未出发", "departure overdue"),
    "ArrivalOverdue": _pair("逾时未到院", "arrival overdue"),
    "NoShowUnresolved": _pair("未到院患者逾时未处理", "no-show not followed up in time"),
    "TreatmentStartOverdue": _pair("到院后逾时未开始治疗", "treatment not started in time"),
    "TreatmentOverdue": _pair("治疗超期未报结局", "outcome of the treatment overdue"),
}
