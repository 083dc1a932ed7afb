"""What happened, in the words of a timeline, for every event of the service."""

from services.referral.domain import labels
from services.shared.kernel.text import BilingualText


def _pair(zh: str, en: str) -> BilingualText:
    return BilingualText(zh=zh, en=en)


_OTHERS: dict[str, BilingualText] = {
    "EpisodeOpened": _pair("开启诊疗过程", "episode opened"),
    "EpisodeJoined": _pair("纳入诊疗过程", "joined the episode"),
    "MilestoneRecorded": _pair("记录时间节点", "milestone recorded"),
    "MilestoneCorrected": _pair("更正时间节点", "milestone corrected"),
    "EpisodeClosed": _pair("诊疗过程结束", "episode closed"),
    "ConsultationRequested": _pair("发起会诊", "consultation requested"),
    "ConsultationClaimed": _pair("会诊已受理", "consultation claimed"),
    "ClaimReleased": _pair("会诊退回待受理", "claim released"),
    "ConsultationReturned": _pair("会诊退回补充", "consultation returned"),
    "ConsultationResubmitted": _pair("会诊重新提交", "consultation resubmitted"),
    "ConsultationReported": _pair("出具会诊意见", "consultation reported"),
    "ReportAmended": _pair("修订会诊意见", "report amended"),
    "ConsultationCancelled": _pair("会诊撤销", "consultation cancelled"),
    "ConsultationOverdue": _pair("会诊超时", "consultation overdue"),
    "DirectoryApplied": _pair("更新机构目录", "directory applied"),
}


def event_text(event_type: str) -> BilingualText:
    """The event in words; its name where the catalogue has none."""
    found = labels.EVENTS.get(event_type) or _OTHERS.get(event_type)
    return found or BilingualText(zh=event_type, en=event_type)
