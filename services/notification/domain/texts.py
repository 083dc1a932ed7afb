"""What the notification service says to people, in one place and both languages."""

from collections.abc import Sequence

from services.notification.domain.values import AlertState, Pathway, Urgency
from services.shared.kernel.text import BilingualText

URGENCIES = {
    Urgency.EMERGENCY: BilingualText(zh="急诊", en="emergency"),
    Urgency.URGENT: BilingualText(zh="紧急", en="urgent"),
    Urgency.ROUTINE: BilingualText(zh="常规", en="routine"),
}

PATHWAYS = {
    Pathway.GENERAL: BilingualText(zh="普通", en="general"),
    Pathway.STROKE: BilingualText(zh="卒中", en="stroke"),
    Pathway.CHEST_PAIN: BilingualText(zh="胸痛", en="chest pain"),
    Pathway.TRAUMA: BilingualText(zh="创伤", en="trauma"),
    Pathway.MATERNAL: BilingualText(zh="孕产妇", en="maternal"),
    Pathway.NEONATAL: BilingualText(zh="新生儿", en="neonatal"),
    Pathway.CRITICAL_CARE: BilingualText(zh="重症", en="critical care"),
    Pathway.HEMODIALYSIS: BilingualText(zh="血液透析", en="haemodialysis"),
    Pathway.REHABILITATION: BilingualText(zh="康复", en="rehabilitation"),
    Pathway.DAY_SURGERY: BilingualText(zh="日间手术", en="day surgery"),
}

CONSULTATION_KINDS = {
    "TELECONSULTATION": BilingualText(zh="远程会诊", en="teleconsultation"),
    "ECG": BilingualText(zh="心电诊断", en="ECG reading"),
    "IMAGING": BilingualText(zh="影像诊断", en="image reading"),
    "LAB": BilingualText(zh="检验诊断", en="laboratory reading"),
}

#: Roles of a roster; a centre goes by its capability.
ROLES = {
    "clinician": BilingualText(zh="值班医师", en="clinician"),
    "referral_office": BilingualText(zh="转诊办", en="referral office"),
    "bed_desk": BilingualText(zh="床位管理", en="bed desk"),
    "ambulance": BilingualText(zh="急救转运", en="ambulance"),
    "STROKE": BilingualText(zh="卒中中心", en="stroke centre"),
    "CHEST_PAIN": BilingualText(zh="胸痛中心", en="chest pain centre"),
    "TRAUMA": BilingualText(zh="创伤中心", en="trauma centre"),
    "CRITICAL_MATERNAL": BilingualText(zh="危重孕产妇救治中心", en="critical maternal care centre"),
    "CRITICAL_NEONATAL": BilingualText(zh="危重新生儿救治中心", en="critical newborn care centre"),
    "CRITICAL_CARE": BilingualText(zh="重症医学科", en="critical care"),
    "HEMODIALYSIS": BilingualText(zh="血液透析室", en="haemodialysis"),
    "REHABILITATION": BilingualText(zh="康复科", en="rehabilitation"),
    "DAY_SURGERY": BilingualText(zh="日间手术中心", en="day surgery"),
    "ECG": BilingualText(zh="心电诊断中心", en="ECG centre"),
    "IMAGING": BilingualText(zh="影像诊断中心", en="imaging centre"),
    "LAB": BilingualText(zh="检验中心", en="laboratory centre"),
}


def role_names(roles: Sequence[str]) -> BilingualText:
    """Roles of a roster, one after the other; one that has no name goes by its code."""
    named = [ROLES.get(role, BilingualText(zh=role, en=role)) for role in roles]
    return BilingualText(zh="、".join(name.zh for name in named), en=", ".join(name.en for name in named))


_ANSWERED = {
    "ACKNOWLEDGED_BY_YOU": BilingualText(zh="您已确认", en="you have acknowledged it"),
    "ROLE_NOT_AWAITED": BilingualText(zh="不在待确认角色之列", en="no acknowledgement of yours is awaited"),
}


def still_missing(code: str, roles: Sequence[str], count: int) -> BilingualText:
    """Why an acknowledgement is refused, and whose is missing."""
    said, names = _ANSWERED[code], role_names(roles)
    if roles:
        return BilingualText(
            zh=f"{said.zh}，尚待确认：{names.zh}", en=f"{said.en}; still missing: {names.en}"
        )
    return BilingualText(zh=f"{said.zh}，尚待 {count} 人确认", en=f"{said.en}; still missing: {count}")


UNKNOWN = BilingualText(zh="未知", en="unknown")
UNKNOWN_TIME = BilingualText(zh="时间未知", en="a time not known")

ALERT_STATES = {
    AlertState.TRIGGERED: BilingualText(zh="待确认", en="not acknowledged"),
    AlertState.ACKNOWLEDGED: BilingualText(zh="该提醒已确认", en="the alert is acknowledged already"),
    AlertState.RESOLVED: BilingualText(zh="该提醒已解除", en="the alert is resolved already"),
}

NOT_THIS_ROLES = BilingualText(
    zh="仅本机构医师、床位管理、转诊办人员，被呼叫人，协调员或运维人员可处理该提醒",
    en="only clinicians, bed desk and referral office of its facility, those who were called, "
    "coordinators and operators act on this alert",
)

BOARD_ONLY = BilingualText(zh="仅提醒屏可调用", en="only a board calls this")

SYSTEM_ONLY = BilingualText(zh="该命令仅由平台自身发出", en="only the platform itself gives this command")

OTHER_FACILITYS_ROSTER = BilingualText(
    zh="不可查看其他机构的值班表", en="the roster of another facility is not shown"
)

ROSTER_NOT_THEIRS = BilingualText(
    zh="仅本机构转诊办、协调员或运维人员可维护值班表",
    en="only the facility's referral office, coordinators and operators apply a roster",
)

CONTACTS_NOT_THEIRS = BilingualText(
    zh="联系方式仅由本人、本机构转诊办或在班负责人、运维人员设置",
    en="contact points are set by the person, the facility's referral office or lead on duty, and operators",
)
CONTACT_KEYS_MISSING = BilingualText(
    zh="未配置联系方式加密密钥，暂不能保存",
    en="no keys are configured that contact points are encrypted with: none are kept",
)
NOT_AN_ADDRESS = BilingualText(zh="地址与渠道不符", en="is no address of that kind")
MACHINES_BY_KEEPERS = BilingualText(
    zh="网络回调地址仅由本机构转诊办、在班负责人或运维人员设置",
    en="webhooks are set by the facility's referral office or lead on duty, and by operators",
)
POINT_TWICE = BilingualText(zh="与前面一项重复", en="is there twice")
NOT_A_CLOCK_TIME = BilingualText(zh="应为 HH:MM", en="must be HH:MM")
NOT_AN_OFFSET = BilingualText(zh="与世界协调时相差应小于 24 小时", en="must be less than a day from UTC")
CHANNEL_SILENT_TITLE = BilingualText(zh="呼叫通道失效：{channel}", en="Channel is silent: {channel}")
CHANNEL_SILENT_BODY = BilingualText(
    zh="通道 {channel} 连续发送失败，值班人员收不到该通道的提醒，请立即检查并改用其他方式联系。",
    en="Nothing gets through channel {channel}: those on duty are not reached by it. "
    "Check it now and use other means.",
)

#: What a message outside the board asks for, by the command that settles the alert, or by its rule.
TO_DO = {
    "ApproveReferral": BilingualText(zh="转诊待审批", en="a referral awaits approval"),
    "AcceptReferral": BilingualText(zh="转诊待接收", en="a referral awaits your answer"),
    "RerouteReferral": BilingualText(zh="转诊未获接收，请改选机构", en="choose another destination"),
    "ClaimConsultation": BilingualText(zh="会诊待受理", en="a consultation awaits you"),
    "ReportConsultation": BilingualText(zh="报告待出具", en="a report is due"),
    "ResubmitConsultation": BilingualText(zh="会诊申请被退回", en="a consultation was returned"),
    "AcknowledgeCriticalValue": BilingualText(zh="危急值待确认", en="acknowledge a critical value"),
    "ReportArrival": BilingualText(zh="在途患者待登记到达", en="report the arrival"),
    "ReleaseHold": BilingualText(zh="床位预留超时", en="a bed hold is overdue"),
    "ApplyRoster": BilingualText(zh="无人值班，请立即安排", en="nobody is on duty"),
    "ConfirmSwap": BilingualText(zh="换班待确认", en="a swap awaits your answer"),
    "SWAP_ANSWERED": BilingualText(zh="换班申请已有结果", en="what became of a swap"),
    "SWAP_WITHDRAWN": BilingualText(zh="已商定的换班被撤回", en="a swap that was agreed is withdrawn"),
    "CHANNEL_SILENT": BilingualText(zh="呼叫通道失效", en="a channel is silent"),
}
TO_DO_ANY = BilingualText(zh="提醒待处理", en="an alert awaits you")
COLON = BilingualText(zh="：", en=": ")
ABOUT = BilingualText(zh="编号 {case}，{facility}", en="Case {case}, {facility}")
ABOUT_CHANNEL = BilingualText(zh="通道 {case}", en="Channel {case}")
DUE_WITHIN = BilingualText(zh="剩余 {minutes} 分钟", en="{minutes} min left")
OVERDUE_BY = BilingualText(zh="已超时 {minutes} 分钟", en="overdue by {minutes} min")

#: Why a channel brings somebody nothing, by ReachHindrance.
HINDRANCES = {
    "NO_BOARD_LIVE": BilingualText(zh="无在线提醒屏", en="no board is live"),
    "NO_SUCH_CHANNEL": BilingualText(zh="本地未配置该通道", en="the site has no such channel"),
    "CHANNEL_SILENT": BilingualText(zh="该通道已失效", en="the channel is silent"),
    "NOT_FOR_SEVERITY": BilingualText(
        zh="该通道不用于此级别提醒", en="the channel is off for alerts of this severity"
    ),
    "NO_CONTACT_POINT": BilingualText(zh="未登记联系方式", en="no contact point of this kind"),
    "CONTACT_POINTS_UNREADABLE": BilingualText(zh="联系方式无法解密", en="the contact points cannot be read"),
}
