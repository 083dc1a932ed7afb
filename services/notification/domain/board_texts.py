"""What is said of boards and drills, in both languages."""

from services.shared.kernel.text import BilingualText

NO_BOARD_TITLE = BilingualText(zh="{facility}提醒屏全部离线", en="No alert board at {facility}")
NO_BOARD_BODY = BilingualText(
    zh="{facility}无一提醒屏在线，该机构的提醒已改为直接呼叫人员。请立即派人恢复提醒屏。",
    en="No board of {facility} shows its alerts; people are called at once instead. "
    "Have one switched on now.",
)
NO_CENTRE_BOARD_TITLE = BilingualText(
    zh="{facility}{centre}提醒屏离线", en="No alert board of the {centre} at {facility}"
)
NO_CENTRE_BOARD_BODY = BilingualText(
    zh="{facility}{centre}无提醒屏在线，该中心的提醒已改为直接呼叫人员。请立即派人恢复提醒屏。",
    en="No board of the {centre} at {facility} shows its alerts; people are called at once instead. "
    "Have one switched on now.",
)
DRILL_TITLE = BilingualText(zh="演练：{centre}", en="DRILL: {centre}")
DRILL_BODY = BilingualText(
    zh="这是每日静默演练，不涉及患者。请值班人员确认。",
    en="The daily silent test; no patient is concerned. Whoever is on duty acknowledges it.",
)

BOARD_STATES = {
    "LIVE": BilingualText(zh="提醒屏仍在线，请先关闭", en="a board is still live; close it first"),
    "LOST": BilingualText(zh="提醒屏离线", en="no board is live"),
    "WITHDRAWN": BilingualText(zh="提醒屏已撤下", en="the boards are withdrawn already"),
}

NOT_A_BOARD = BilingualText(
    zh="仅机构本身的医师、床位管理、转诊办人员可登记提醒屏",
    en="only clinicians, bed desk and referral office of a facility show its board",
)
COUNTS_FOR_FACILITY = BilingualText(
    zh="本机构无此中心，该屏仅计为全院屏",
    en="the facility has no such centre; the screen counts for the facility only",
)
NOT_THEIRS = BilingualText(
    zh="仅本机构转诊办、协调员或运维人员可操作",
    en="only the facility's referral office, coordinators and operators may do this",
)
NO_SUCH_CENTRE = BilingualText(zh="该机构没有此中心", en="the facility has no such centre")


def named(template: BilingualText, **names: BilingualText) -> BilingualText:
    """A template with the names of facilities and centres put in."""
    return BilingualText(
        zh=template.zh.format_map({key: name.zh for key, name in names.items()}),
        en=template.en.format_map({key: name.en for key, name in names.items()}),
    )
