"""Rosters in words, zh and en: entries of a roster, its faults, gaps, and what the lead is told of them."""

from datetime import datetime

from services.notification.domain import texts
from services.notification.domain.clock_times import local_time
from services.notification.domain.roster_values import (
    CalendarDay,
    CoverageGap,
    DayKind,
    Leave,
    Post,
    Requirement,
    Rotation,
    RotationPeriod,
    Swap,
)
from services.notification.domain.values import Duty
from services.shared.kernel.text import BilingualText

STEPS = {
    "duty": BilingualText(zh="一线值班", en="on duty"),
    "backup": BilingualText(zh="二线值班", en="backup"),
    "lead": BilingualText(zh="中心负责人", en="centre lead"),
    "coordinator": BilingualText(zh="医共体协调员", en="community coordinator"),
}

DAY_KINDS = {
    DayKind.WORKDAY: BilingualText(zh="工作日", en="workdays"),
    DayKind.WEEKEND: BilingualText(zh="周末", en="weekends"),
    DayKind.HOLIDAY: BilingualText(zh="节假日", en="holidays"),
    DayKind.MAKEUP_WORKDAY: BilingualText(zh="调休上班日", en="make-up workdays"),
}

_PERIODS = {
    RotationPeriod.DAILY: BilingualText(zh="按日轮值", en="daily rotation"),
    RotationPeriod.WEEKLY: BilingualText(zh="按周轮值", en="weekly rotation"),
}

_ROLES = {
    **texts.ROLES,
    "coordinator": BilingualText(zh="协调员", en="coordinator"),
    "*": BilingualText(zh="全部岗位", en="any role"),
}

#: Roles that a roster may name beside those of the rules.
KNOWN_ROLES = frozenset(_ROLES)

GAP_TITLE = BilingualText(zh="值班空缺：{post}", en="Nobody on duty ahead: {post}")
GAP_BODY = BilingualText(
    zh="{post} {from} 至 {until} 无人值班{why}，请安排人员并更新值班表。",
    en="{post}: nobody from {from} to {until}{why}. Find somebody and complete the roster.",
)
GAP_LEAVE = BilingualText(zh="（请假，无替班）", en=" (on leave, nobody stands in)")


def role_text(role: str) -> BilingualText:
    """A role's name; the role itself where the site made it up."""
    return _ROLES.get(role, BilingualText(zh=role, en=role))


def step_text(step: str) -> BilingualText:
    """A step's name; the step itself where there is none."""
    return STEPS.get(step, BilingualText(zh=step, en=step))


def post_text(post: Post) -> BilingualText:
    role, step = role_text(post.role), step_text(post.step)
    pathway = texts.PATHWAYS[post.pathway] if post.pathway else None
    seat = f" {post.seat}" if post.seat > 1 else ""
    return BilingualText(
        zh=f"{role.zh}{f'（{pathway.zh}）' if pathway else ''}{step.zh}{seat}",
        en=f"{role.en}{f' ({pathway.en})' if pathway else ''}, {step.en}{seat}",
    )


def duty_text(duty: Duty, offset: int) -> BilingualText:
    post = post_text(Post(role=duty.role, step=duty.step, pathway=duty.pathway, seat=duty.seat))
    begin, end = moment_text(duty.starts_at, offset), moment_text(duty.ends_at, offset)
    if not (begin or end):
        return BilingualText(zh=f"{post.zh} {duty.name} 长期", en=f"{post.en}: {duty.name}, always")
    return BilingualText(
        zh=f"{post.zh} {duty.name} {begin or '…'}–{end or '…'}",
        en=f"{post.en}: {duty.name}, {begin or '…'}–{end or '…'}",
    )


def rotation_text(rotation: Rotation) -> BilingualText:
    post, period, days = post_text(rotation.post), _PERIODS[rotation.period], _days(rotation.days)
    people = "→".join(person.name for person in rotation.people)
    hours = f"{rotation.handover}–{rotation.until or rotation.handover}"
    span = f"{rotation.starts_on}–{rotation.ends_on}" if rotation.ends_on else f"{rotation.starts_on}–"
    return BilingualText(
        zh=f"{post.zh} {period.zh} {days.zh} {hours} {people} {span}",
        en=f"{post.en}: {period.en}, {days.en}, {hours}, {people}, {span}",
    )


def swap_text(swap: Swap, offset: int) -> BilingualText:
    first, second = swap.first, swap.second
    turns = [
        f"{side.user} {post_text(side.post).zh} {moment_text(side.starts_at, offset)}"
        for side in (first, second)
    ]
    told = [
        f"{side.user}, {post_text(side.post).en}, {moment_text(side.starts_at, offset)}"
        for side in (first, second)
    ]
    return BilingualText(
        zh=f"换班 {turns[0]} ⇄ {turns[1]}（{swap.reason.code}）",
        en=f"swap {told[0]} ⇄ {told[1]} ({swap.reason.code})",
    )


def leave_text(leave: Leave, offset: int) -> BilingualText:
    span = f"{moment_text(leave.starts_at, offset)}–{moment_text(leave.ends_at, offset)}"
    substitute = leave.substitute.name if leave.substitute else ""
    return BilingualText(
        zh=f"请假 {leave.user} {span} {f'替班 {substitute}' if substitute else '无替班'}",
        en=f"leave {leave.user}, {span}, {f'{substitute} stands in' if substitute else 'nobody stands in'}",
    )


def day_text(day: CalendarDay) -> BilingualText:
    kind, name = DAY_KINDS[day.kind], day.name or BilingualText(zh="", en="")
    return BilingualText(
        zh=f"{day.date} {kind.zh} {name.zh}".strip(), en=f"{day.date} {kind.en} {name.en}".strip()
    )


def requirement_text(requirement: Requirement) -> BilingualText:
    post, days = post_text(requirement.post), _days(requirement.days)
    hours = f"{requirement.starts}–{requirement.ends}" if requirement.ends else "00:00–24:00"
    return BilingualText(
        zh=f"须在岗 {post.zh} {days.zh} {hours}", en=f"required {post.en}, {days.en}, {hours}"
    )


def offset_text(offset: int) -> BilingualText:
    sign, minutes = ("-" if offset < 0 else "+"), abs(offset)
    clock = f"UTC{sign}{minutes // 60:02d}:{minutes % 60:02d}"
    return BilingualText(zh=f"时区 {clock}", en=f"time zone {clock}")


def gap_values(gap: CoverageGap, facility: BilingualText, offset: int) -> dict[str, BilingualText]:
    """What the texts of a gap's alert say."""
    post = post_text(gap.post)
    begin, end = moment_text(gap.starts_at, offset), moment_text(gap.ends_at, offset)
    return {
        "post": BilingualText(zh=f"{facility.zh}{post.zh}", en=f"{facility.en}, {post.en}"),
        "from": BilingualText(zh=begin, en=begin),
        "until": BilingualText(zh=end, en=end),
        "why": GAP_LEAVE if gap.absent else BilingualText(zh="", en=""),
    }


def _days(kinds: tuple[DayKind, ...]) -> BilingualText:
    if not kinds:
        return BilingualText(zh="每日", en="every day")
    return BilingualText(
        zh="、".join(DAY_KINDS[kind].zh for kind in kinds),
        en=" and ".join(DAY_KINDS[kind].en for kind in kinds),
    )


def moment_text(moment: datetime | None, offset: int) -> str:
    """By the site's clock; empty for none."""
    return "" if moment is None else local_time(moment, offset).strftime("%Y-%m-%d %H:%M")
