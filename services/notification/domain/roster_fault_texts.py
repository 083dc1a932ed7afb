"""What is wrong with a roster, by code."""

from collections.abc import Mapping

from services.shared.kernel.text import BilingualText

FAULTS: Mapping[str, BilingualText] = {
    "REQUIRED": BilingualText(zh="未指明机构", en="names no facility, and the caller has none"),
    "UNKNOWN_FACILITY": BilingualText(zh="机构目录中没有 {detail}", en="{detail} is not in the directory"),
    "ANOTHER_FACILITY": BilingualText(zh="不是 {detail}", en="is not {detail}"),
    "UNKNOWN_ROLE": BilingualText(zh="没有岗位 {detail}", en="there is no role {detail}"),
    "UNKNOWN_STEP": BilingualText(zh="应为 {detail} 之一", en="is none of {detail}"),
    "ENDS_BEFORE_START": BilingualText(zh="结束不晚于开始", en="does not end after it begins"),
    "DUPLICATE": BilingualText(zh="与前面一项重复", en="is in the roster twice"),
    "SHIFT_WITHOUT_TIMES": BilingualText(zh="班次须有起止时间", en="a shift needs a beginning and an end"),
    "SEAT_OF_A_PLAIN_DUTY": BilingualText(zh="长期值班不设席位", en="a plain duty has no seat"),
    "NOBODY": BilingualText(zh="没有人员", en="names nobody"),
    "NOT_A_DATE": BilingualText(zh="{detail} 不是日期，应为 YYYY-MM-DD", en="{detail} is no date YYYY-MM-DD"),
    "NOT_A_TIME": BilingualText(zh="{detail} 不是时刻，应为 HH:MM", en="{detail} is no time HH:MM"),
    "TOO_LONG_AGO": BilingualText(zh="{detail} 早于五年前", en="{detail} is more than five years ago"),
    "HALF_A_SPAN": BilingualText(zh="起止时刻须同时填写", en="has one of two times"),
    "OWN_SUBSTITUTE": BilingualText(zh="替班人不能是本人", en="nobody stands in for themself"),
    "DAY_TWICE": BilingualText(zh="{detail} 重复", en="{detail} is in the table twice"),
    "NOT_AN_OFFSET": BilingualText(zh="时区差应小于 24 小时", en="must be less than a day from UTC"),
    "PLAIN_AND_ROTATING": BilingualText(
        zh="{detail} 同一岗位既有长期值班又有轮值", en="{detail} has plain duties and turns at the same step"
    ),
    "ROTATIONS_OVERLAP": BilingualText(
        zh="与 {detail} 同一岗位时间重叠", en="wants the post at the same time as {detail}"
    ),
    "SHIFTS_OVERLAP": BilingualText(
        zh="与 {detail} 同一岗位时间重叠", en="has the post at the same time as {detail}"
    ),
    "NO_SUCH_TURN": BilingualText(
        zh="值班表中没有 {detail} 的这一班", en="{detail} has no turn that begins then"
    ),
    "ANOTHERS_TURN": BilingualText(zh="这一班是 {detail} 的", en="the turn is {detail}'s"),
    "TURN_SWAPPED_TWICE": BilingualText(zh="同一班次重复换班", en="the turn is exchanged twice"),
    "SWAP_WITH_ONESELF": BilingualText(zh="换班双方为同一人", en="both turns are {detail}'s"),
    "PERSON_TWICE": BilingualText(
        zh="同一人同一岗位组同时在两个岗位：{detail}", en="holds two posts of a role at once: {detail}"
    ),
}
