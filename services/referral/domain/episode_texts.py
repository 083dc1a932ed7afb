"""What people read of milestones, and when a command on an episode is refused."""

from datetime import timedelta

from services.referral.domain.episode_values import EpisodeState
from services.referral.domain.milestones import Milestone, MilestoneKind
from services.shared.kernel.text import BilingualText

MILESTONES: dict[MilestoneKind, BilingualText] = {
    MilestoneKind.ONSET: BilingualText(zh="发病", en="onset"),
    MilestoneKind.LAST_KNOWN_WELL: BilingualText(zh="最后正常时间", en="last known well"),
    MilestoneKind.FIRST_MEDICAL_CONTACT: BilingualText(zh="首次医疗接触", en="first medical contact"),
    MilestoneKind.ECG_DONE: BilingualText(zh="心电图完成", en="ECG done"),
    MilestoneKind.ECG_SENT: BilingualText(zh="心电图传输", en="ECG sent"),
    MilestoneKind.ECG_READ: BilingualText(zh="心电图判读", en="ECG read"),
    MilestoneKind.TROPONIN: BilingualText(zh="肌钙蛋白结果", en="troponin result"),
    MilestoneKind.CT_DONE: BilingualText(zh="CT 完成", en="CT done"),
    MilestoneKind.CT_READ: BilingualText(zh="CT 判读", en="CT read"),
    MilestoneKind.THROMBOLYSIS: BilingualText(zh="静脉溶栓", en="thrombolysis"),
    MilestoneKind.CATH_LAB_READY: BilingualText(zh="导管室就绪", en="cath lab ready"),
    MilestoneKind.PUNCTURE: BilingualText(zh="穿刺", en="puncture"),
    MilestoneKind.WIRE_CROSSING: BilingualText(zh="导丝通过", en="wire crossing"),
    MilestoneKind.DOOR_IN: BilingualText(zh="入门", en="door in"),
    MilestoneKind.DOOR_OUT: BilingualText(zh="出门", en="door out"),
    MilestoneKind.HANDOVER: BilingualText(zh="交接", en="handover"),
    MilestoneKind.STROKE_ASSESSED: BilingualText(zh="卒中评估完成", en="stroke assessed"),
    MilestoneKind.LAB_REPORTED: BilingualText(zh="检验报告", en="laboratory reported"),
    MilestoneKind.TROPONIN_SAMPLED: BilingualText(zh="肌钙蛋白采血", en="troponin sampled"),
    MilestoneKind.CATH_LAB_ACTIVATED: BilingualText(zh="启动导管室", en="cath lab activated"),
}

_STATES: dict[EpisodeState, BilingualText] = {
    EpisodeState.OPEN: BilingualText(zh="进行中", en="open"),
    EpisodeState.CLOSED: BilingualText(zh="已结束", en="closed"),
}

OPENER_ONLY = BilingualText(
    zh="须由医疗机构的医师或急救人员建立诊疗过程",
    en="only a clinician or an ambulance crew of a facility may open an episode",
)
RECORDER_ONLY = BilingualText(
    zh="须由参与机构的医师、急救人员、转诊办或协调员记录时间节点",
    en="only clinicians, ambulance crews, referral offices and coordinators of a facility taking part may "
    "record milestones",
)
CORRECTOR_ONLY = BilingualText(
    zh="须由原机构或协调员更正时间节点", en="only the same facility or a coordinator may correct a milestone"
)
CLOSER_ONLY = BilingualText(
    zh="须由参与机构的医师、转诊办或协调员结束诊疗过程",
    en="only clinicians and referral offices of a facility taking part, or a coordinator, may close "
    "an episode",
)
SAME_PATIENT = BilingualText(
    zh="转诊或会诊的患者与本诊疗过程的患者不是同一人",
    en="the referral or consultation is of another patient than the episode",
)

EXCLUDER_ONLY = BilingualText(
    zh="须由该时钟所属机构的医师、转诊办或协调员排除或恢复统计",
    en="only clinicians and referral offices of the clock's facility, or a coordinator, "
    "may say whether it counts",
)
NO_SUCH_CLOCK = BilingualText(zh="本诊疗过程没有该时钟", en="the episode has no such clock")
EXCLUDED_ALREADY = BilingualText(zh="该时钟已排除", en="the clock is excluded already")
NOT_EXCLUDED = BilingualText(zh="该时钟未被排除", en="the clock is not excluded")

EXCLUSION_UNKNOWN = "is none of the reasons for which this clock may be excluded"
FACILITY_TAKES_NO_PART = "names no facility that takes part in the episode"
TIME_UNCHANGED = "is the time that is recorded already"
OF_DOOR_IN_ALONE = "is told of a door in alone"


def not_in_state(state: EpisodeState, command: str) -> BilingualText:
    """The table has no such row."""
    text = _STATES[state]
    return BilingualText(
        zh=f"诊疗过程{text.zh}，不能执行 {command}", en=f"the episode is {text.en}: {command} is not possible"
    )


def in_future(kind: MilestoneKind, tolerance: timedelta) -> BilingualText:
    """A milestone that has not happened yet."""
    label, minutes = MILESTONES[kind], tolerance // timedelta(minutes=1)
    return BilingualText(
        zh=f"{label.zh}的时间晚于当前时间超过 {minutes} 分钟",
        en=f"{label.en} lies more than {minutes} minutes in the future",
    )


def out_of_order(earlier: Milestone, later: Milestone, reason: BilingualText) -> BilingualText:
    """`earlier` should have come first and did not."""
    return BilingualText(
        zh=f"{_zh(earlier)}晚于{_zh(later)}：{reason.zh}",
        en=f"{_en(earlier)} is after {_en(later)}: {reason.en}",
    )


def repeated(twin: Milestone, candidate: Milestone) -> BilingualText:
    """The same thing is recorded already."""
    return BilingualText(
        zh=f"{_zh(twin)}已有记录，与{_zh(candidate)}重复；如需更正，请用 CorrectMilestone 更正 {twin.name}",
        en=f"{_en(twin)} is recorded already and {_en(candidate)} repeats it; "
        f"to correct it use CorrectMilestone on {twin.name}",
    )


def still_live(members: tuple[str, ...]) -> BilingualText:
    """Referrals or consultations of the episode are not over."""
    names = ", ".join(members)
    return BilingualText(
        zh=f"仍有未结束的转诊或会诊：{names}", en=f"referrals or consultations are live: {names}"
    )


def _zh(milestone: Milestone) -> str:
    return f"{MILESTONES[milestone.kind].zh}（{milestone.facility}，{_moment(milestone)}）"


def _en(milestone: Milestone) -> str:
    return f"{MILESTONES[milestone.kind].en} ({milestone.facility}, {_moment(milestone)})"


def _moment(milestone: Milestone) -> str:
    return milestone.true_time().isoformat(timespec="seconds")
