"""Swaps in words, zh and en."""

from collections.abc import Mapping

from services.notification.domain.roster_fault_texts import FAULTS
from services.notification.domain.roster_texts import moment_text, post_text
from services.notification.domain.swap_values import SwapProposal
from services.shared.kernel.text import BilingualText

NOT_THEIRS = BilingualText(
    zh="仅当班人可申请、接班人可确认或谢绝换班，值班表维护人员可代为办理；已商定的换班仅维护人员可撤回",
    en="whose turn it is asks, the person who takes over answers, and who keeps the roster may do either; "
    "what is agreed is taken back by the latter alone",
)

STATES: Mapping[str, BilingualText] = {
    "PROPOSED": BilingualText(zh="换班待对方确认", en="the swap awaits an answer"),
    "AGREED": BilingualText(zh="换班已商定", en="the swap is agreed already"),
    "DECLINED": BilingualText(zh="换班已被谢绝", en="the swap was declined"),
    "WITHDRAWN": BilingualText(zh="换班已撤回", en="the swap was withdrawn"),
    "LAPSED": BilingualText(zh="换班逾期未确认，已失效", en="nobody agreed to the swap in time"),
}

_FAULTS: Mapping[str, BilingualText] = {
    **FAULTS,
    "NOT_IN_ROSTER": BilingualText(zh="值班表中没有 {detail}", en="the roster does not name {detail}"),
    "NOT_THE_TAKERS": BilingualText(
        zh="交换的班次应为接班人 {detail} 的", en="the turn in return must be {detail}'s"
    ),
    "TURN_HAS_BEGUN": BilingualText(zh="班次已开始", en="the turn has begun"),
    "TAKER_IS_AWAY": BilingualText(
        zh="{detail} 当班期间请假或不在岗", en="{detail} is away or stood in for during that turn"
    ),
    "SWAPS_TOO_MANY": BilingualText(
        zh="换班记录已达 {detail} 条", en="there are {detail} swaps of this roster already"
    ),
}

PROPOSED_TITLE = BilingualText(zh="换班待确认：{taker}", en="A swap awaits {taker}")
PROPOSED_BODY = BilingualText(
    zh="{swap}。请在 {until} 前确认或谢绝，未确认前仍由原当班人值班。",
    en="{swap}. Confirm or decline by {until}; until then the first person stays on duty.",
)

WITHDRAWN_TITLE = BilingualText(
    zh="已商定的换班被撤回：{taker}", en="An agreed swap with {taker} was withdrawn"
)
WITHDRAWN_BODY = BilingualText(
    zh="{swap}。值班表管理者已撤回，仍按原班次值班。",
    en="{swap}. Who keeps the roster withdrew it: the turns are as they were before.",
)

#: What whoever asked is told, by the state of the swap: title and body.
ANSWERS: Mapping[str, tuple[BilingualText, BilingualText]] = {
    "AGREED": (
        BilingualText(zh="换班已商定：{taker}", en="A swap with {taker} is agreed"),
        BilingualText(zh="{swap}。对方已确认，按此值班。", en="{swap}. It was confirmed and is in force."),
    ),
    "DECLINED": (
        BilingualText(zh="换班被谢绝：{taker}", en="A swap with {taker} was declined"),
        BilingualText(
            zh="{swap}。未获同意，仍由原当班人值班。", en="{swap}. It was declined: nothing changes."
        ),
    ),
    "LAPSED": (
        BilingualText(zh="换班逾期未确认：{taker}", en="A swap with {taker} was not answered"),
        BilingualText(
            zh="{swap}。至开班仍未确认，已失效，仍由原当班人值班。",
            en="{swap}. The turn begins and nobody has agreed: nothing changes.",
        ),
    ),
}


def fault(code: str, detail: str) -> BilingualText:
    text = _FAULTS[code]
    return BilingualText(zh=text.zh.format(detail=detail), en=text.en.format(detail=detail))


def proposal_text(swap: SwapProposal, offset: int) -> BilingualText:
    """Who takes over what from whom, and for what in return."""
    first, second = swap.first, swap.second
    post, begins = post_text(first.post), moment_text(first.starts_at, offset)
    zh, en = (
        f"{begins} {post.zh} {first.user} → {swap.taker}",
        f"{begins}, {post.en}: {first.user} → {swap.taker}",
    )
    if second is not None:
        post, begins = post_text(second.post), moment_text(second.starts_at, offset)
        zh += f"；{begins} {post.zh} {second.user} → {first.user}"
        en += f"; {begins}, {post.en}: {second.user} → {first.user}"
    return BilingualText(zh=zh, en=en)
