"""What states, commands, events and parties are called, in both languages."""

from services.referral.domain import labels_plan, labels_steps
from services.referral.domain.referral_values import BedRegion, CrewLevel, OfferState, ReferralState
from services.shared.kernel.text import BilingualText


def _pair(zh: str, en: str) -> BilingualText:
    return BilingualText(zh=zh, en=en)


STATES: dict[ReferralState, BilingualText] = {
    ReferralState.AWAITING_APPROVAL: _pair("待审批", "awaiting approval"),
    ReferralState.REQUESTED: _pair("已申请", "requested"),
    ReferralState.INFO_REQUESTED: _pair("待补充资料", "waiting for information"),
    ReferralState.DECLINED: _pair("已拒收", "declined"),
    ReferralState.ACCEPTED: _pair("已接收", "accepted"),
    ReferralState.TRANSPORT_ARRANGED: _pair("已安排转运", "transport arranged"),
    ReferralState.IN_TRANSIT: _pair("转运途中", "in transit"),
    ReferralState.NO_SHOW: _pair("未到院", "no-show"),
    ReferralState.ARRIVED: _pair("已到院", "arrived"),
    ReferralState.IN_TREATMENT: _pair("治疗中", "in treatment"),
    ReferralState.TREATED: _pair("已完成治疗", "treated"),
    ReferralState.CANCEL_REQUESTED: _pair("申请取消中", "cancellation requested"),
    ReferralState.CLOSED: _pair("已结案", "closed"),
    ReferralState.CANCELLED: _pair("已取消", "cancelled"),
    ReferralState.EXPIRED: _pair("已失效", "expired"),
    ReferralState.DECEASED: _pair("患者死亡", "deceased"),
    ReferralState.ENTERED_IN_ERROR: _pair("录入错误作废", "entered in error"),
}

BED_REGIONS: dict[BedRegion, BilingualText] = {
    BedRegion.NOT_NEEDED: _pair("无需床位", "not needed"),
    BedRegion.REQUESTED: _pair("待预留", "requested"),
    BedRegion.HELD: _pair("已预留", "held"),
    BedRegion.UNAVAILABLE: _pair("无床", "unavailable"),
    BedRegion.LAPSED: _pair("预留已过期", "lapsed"),
    BedRegion.OCCUPIED: _pair("已入住", "occupied"),
    BedRegion.RELEASED: _pair("已释放", "released"),
}

OFFERS: dict[OfferState, BilingualText] = {
    OfferState.SENT: _pair("已发出", "sent"),
    OfferState.ACKNOWLEDGED: _pair("已签收", "acknowledged"),
    OfferState.ACCEPTED: _pair("已接收", "accepted"),
    OfferState.DECLINED: _pair("已拒收", "declined"),
    OfferState.WITHDRAWN: _pair("已撤回", "withdrawn"),
    OfferState.LAPSED: _pair("超时未答复", "lapsed"),
}

CREWS: dict[CrewLevel, BilingualText] = {
    CrewLevel.NONE: _pair("自行前往", "own means"),
    CrewLevel.BASIC: _pair("基础生命支持", "basic life support"),
    CrewLevel.ADVANCED: _pair("高级生命支持（医护随车）", "advanced life support"),
    CrewLevel.CRITICAL_CARE: _pair("重症转运", "critical care"),
}

#: By command; English as it follows "to".
COMMANDS: dict[str, BilingualText] = {
    "CreateReferral": _pair("发起转诊", "create a referral"),
    "ApproveReferral": _pair("审批同意", "approve it"),
    "RefuseApproval": _pair("审批驳回", "refuse approval"),
    "ReviewReferral": _pair("补审", "review it afterwards"),
    "AcknowledgeOffer": _pair("签收申请", "acknowledge the offer"),
    "RequestInformation": _pair("要求补充资料", "request information"),
    "ProvideInformation": _pair("补充资料", "provide information"),
    "AcceptReferral": _pair("接收", "accept it"),
    "DeclineReferral": _pair("拒收", "decline it"),
    "RerouteReferral": _pair("改派", "re-route it"),
    "WithdrawAcceptance": _pair("撤回接收", "withdraw the acceptance"),
    "GrantBypass": _pair("同意急诊直通", "grant the emergency-room bypass"),
    "FollowBed": _pair("更新床位", "follow the bed"),
    "ArrangeTransport": _pair("安排转运", "arrange transport"),
    "DepartPatient": _pair("登记出发", "depart"),
    "DivertPatient": _pair("途中改送", "divert the patient"),
    "ReportArrival": _pair("登记到院", "report the arrival"),
    "ReportNoShow": _pair("登记未到", "report a no-show"),
    "StartTreatment": _pair("开始治疗", "start treatment"),
    "CompleteTreatment": _pair("完成治疗", "complete treatment"),
    "ReferBack": _pair("下转", "refer the patient back"),
    "RecordFollowUp": _pair("登记随访", "record a follow-up"),
    "CloseReferral": _pair("结案", "close it"),
    "CancelReferral": _pair("取消转诊", "cancel it"),
    "ConfirmCancellation": _pair("确认取消", "confirm the cancellation"),
    "RecordDeath": _pair("登记死亡", "record a death"),
    "AddResults": _pair("补充检查检验结果", "add results"),
    "RecordRepeat": _pair("登记重复检查", "record a repeated examination"),
    "CompleteRecord": _pair("补记转诊记录", "complete the record"),
    "MarkEnteredInError": _pair("录入错误作废", "mark it as entered in error"),
    "WithdrawErrorMark": _pair("撤回作废申请", "take back that it is an error"),
    "MeetDeadline": _pair("时限处理", "meet a deadline"),
    **labels_plan.COMMANDS,
    **labels_steps.COMMANDS,
}

#: By event, for timelines.
EVENTS: dict[str, BilingualText] = {
    "ReferralRequested": _pair("发起转诊", "referral requested"),
    "ReferralApproved": _pair("审批同意", "approved"),
    "ApprovalRefused": _pair("审批驳回", "approval refused"),
    "ReferralReviewed": _pair("已补审", "reviewed afterwards"),
    "ReviewOverdue": _pair("补审逾期", "review overdue"),
    "ReviewNotDone": _pair("未补审即终结", "ended without the review"),
    "RecordLeftIncomplete": _pair("病历未补全即终结", "ended with an incomplete record"),
    "OfferAcknowledged": _pair("签收转诊申请", "offer acknowledged"),
    "InformationRequested": _pair("要求补充资料", "information requested"),
    "InformationProvided": _pair("已补充资料", "information provided"),
    "ReferralAccepted": _pair("接收患者", "accepted"),
    "OfferDeclined": _pair("拒收", "offer declined"),
    "OfferLapsed": _pair("申请超时未处理", "offer lapsed"),
    "OfferOverdue": _pair("超时未签收", "offer not acknowledged in time"),
    "ReferralRerouted": _pair("改派", "re-routed"),
    "AcceptanceWithdrawn": _pair("撤回接收", "acceptance withdrawn"),
    "BedHeld": _pair("床位已预留", "bed held"),
    "BedUnavailable": _pair("无可用床位", "no bed available"),
    "BedHoldLapsed": _pair("床位预留过期", "bed hold lapsed"),
    "BedOccupied": _pair("已入住床位", "bed occupied"),
    "BedReleased": _pair("床位已释放", "bed released"),
    "BypassGranted": _pair("同意急诊直通", "emergency-room bypass granted"),
    "TransportArranged": _pair("安排转运", "transport arranged"),
    "PatientDeparted": _pair("患者出发", "patient departed"),
    "PatientDiverted": _pair("途中改送", "patient diverted"),
    "PatientArrived": _pair("患者到院", "patient arrived"),
    "PatientNoShow": _pair("患者未到", "patient did not come"),
    "TreatmentStarted": _pair("开始治疗", "treatment started"),
    "TreatmentCompleted": _pair("完成治疗", "treatment completed"),
    "OutcomeReportOverdue": _pair("诊疗结果逾期未确认", "outcome report not acknowledged in time"),
    "PatientReferredBack": _pair("下转基层", "referred back"),
    "FollowUpRecorded": _pair("随访", "followed up"),
    "ReferralClosed": _pair("结案", "closed"),
    "CancellationRequested": _pair("申请取消", "cancellation requested"),
    "ReferralCancelled": _pair("已取消", "cancelled"),
    "ReferralExpired": _pair("转诊失效", "expired"),
    "PatientDied": _pair("患者死亡", "patient died"),
    "ErrorMarkRequested": _pair("提出作废，待确认", "called an error, to be confirmed"),
    "ErrorMarkLapsed": _pair("作废逾期未确认", "not confirmed to be an error"),
    "ErrorMarkWithdrawn": _pair("作废申请已撤回", "no longer called an error"),
    "EnteredInError": _pair("录入错误作废", "entered in error"),
    "ResultsAdded": _pair("已补充检查检验结果", "results added"),
    "ResultRepeated": _pair("重复检查", "examination repeated"),
    "RecordCompleted": _pair("转诊记录已补记", "record completed"),
    "RecordOverdue": _pair("转诊记录逾期未补全", "record not completed in time"),
    "DirectoryApplied": _pair("机构目录已更新", "directory applied"),
    **labels_plan.EVENTS,
    **labels_steps.EVENTS,
}

#: By party of the state table.
PARTIES: dict[str, BilingualText] = {
    "ORIGIN": _pair("转出机构", "origin"),
    "ASKED": _pair("被申请机构", "destination that was asked"),
    "DESTINATION": _pair("接收机构", "destination"),
    "CUSTODIAN": _pair("当前责任机构", "custodian"),
    "APPROVER": _pair("牵头医院转诊办", "referral office of the lead facility"),
    "AMBULANCE": _pair("急救转运机构", "ambulance service"),
    "COORDINATOR": _pair("医共体协调员", "coordinator of the community"),
    "SYSTEM": _pair("系统", "system"),
}

ROLES: dict[str, BilingualText] = {
    "clinician": _pair("医师", "clinician"),
    "referral_office": _pair("转诊办", "referral office"),
    "bed_desk": _pair("床位管理", "bed desk"),
    "ambulance": _pair("急救转运", "ambulance"),
    "coordinator": _pair("协调员", "coordinator"),
    "operator": _pair("运维", "operator"),
    "system": _pair("系统", "system"),
}
