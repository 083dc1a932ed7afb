"""What happened, in the words of a timeline, for every event of the service."""

from services.referral.domain import labels, standing_texts
from services.referral.domain.episode_events import MilestoneCorrected, MilestoneRecorded
from services.referral.domain.episode_texts import MILESTONES
from services.shared.kernel.text import BilingualText


def _pair(zh: str, en: str) -> BilingualText:
    return BilingualText(zh=zh, en=en)


_OTHERS: dict[str, BilingualText] = {
    **standing_texts.EVENTS,
    "EpisodeOpened": _pair("开启诊疗过程", "episode opened"),
    "EpisodeJoined": _pair("纳入诊疗过程", "joined the episode"),
    "MilestoneRecorded": _pair("记录时间节点", "milestone recorded"),
    "MilestoneCorrected": _pair("更正时间节点", "milestone corrected"),
    "MoveEnded": _pair("转诊未成行，不再计时", "the move onward is over before it began"),
    "ClockExcluded": _pair("时钟不计入统计", "clock excluded"),
    "ClockExclusionLifted": _pair("时钟恢复统计", "clock counts again"),
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
    "CriticalValueAcknowledged": _pair("确认危急值", "critical value acknowledged"),
    "CriticalValueOverdue": _pair("危急值超时未确认", "critical value not acknowledged in time"),
    "ExpertVisitConfirmed": _pair("确认专家来诊", "expert's visit confirmed"),
    "ExpertVisitHeld": _pair("专家已来诊", "expert's visit held"),
    "ResubmissionOverdue": _pair("退回后逾时未重新提交", "resubmission overdue"),
    "ExpertVisitOverdue": _pair("专家来诊逾期未登记", "expert's visit not recorded in time"),
    "ExpertVisitCancelled": _pair("取消专家来诊", "expert's visit cancelled"),
    "DirectoryApplied": _pair("更新机构目录", "directory applied"),
}


def event_text(event: object) -> BilingualText:
    """The event in words, a milestone with what was reached; its name where the catalogue has none."""
    name = type(event).__name__
    found = labels.EVENTS.get(name) or _OTHERS.get(name) or BilingualText(zh=name, en=name)
    if isinstance(event, MilestoneRecorded | MilestoneCorrected):
        reached = MILESTONES[event.milestone.kind]
        return BilingualText(zh=f"{found.zh}：{reached.zh}", en=f"{found.en}: {reached.en}")
    return found
