"""The hand-over of duty (交接班): who goes and who comes, and what they hand over, in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.notification.domain import texts
from services.notification.domain.alert_state import Alert
from services.notification.domain.caseload import CasePhase, CaseUnderWay, is_overdue
from services.notification.domain.clock_times import local_time
from services.notification.domain.directory import Directory
from services.notification.domain.roster_slots import timeline
from services.notification.domain.roster_state import Roster
from services.notification.domain.roster_texts import post_text
from services.notification.domain.roster_values import DutySlot, SlotOrigin
from services.notification.domain.wording import case_number
from services.shared.kernel.text import BilingualText

#: People are still handing over this long after the hour.
_STILL = timedelta(hours=1)
_AHEAD = timedelta(hours=24)

_PHASES = {
    CasePhase.REQUESTED: BilingualText(zh="待接收", en="waiting for an answer"),
    CasePhase.DECLINED: BilingualText(zh="已拒绝", en="declined"),
    CasePhase.ACCEPTED: BilingualText(zh="已接收", en="accepted"),
    CasePhase.IN_TRANSIT: BilingualText(zh="转运中", en="on the road"),
    CasePhase.ARRIVED: BilingualText(zh="已到达", en="arrived"),
    CasePhase.CLAIMED: BilingualText(zh="诊断中", en="being read"),
    CasePhase.RETURNED: BilingualText(zh="已退回", en="returned"),
    CasePhase.OVER: BilingualText(zh="已结束", en="over"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Changeover:
    """Who hands over to whom at a moment."""

    at: datetime
    goes_off: tuple[DutySlot, ...]
    comes_on: tuple[DutySlot, ...]
    #: on duty before and after
    stays: tuple[DutySlot, ...]


def changeover(roster: Roster | None, at: datetime, role: str = "") -> Changeover:
    """The hand-over of the last hour, else the next one within a day, else the moment itself."""
    slots = () if roster is None else timeline(roster, at - _STILL, at + _AHEAD)
    slots = tuple(slot for slot in slots if slot.holder and role in ("", slot.post.role))
    edges = {
        edge
        for slot in slots
        if slot.origin is not SlotOrigin.STANDING
        for edge in (slot.starts_at, slot.ends_at)
        if at - _STILL <= edge <= at + _AHEAD
    }
    past, ahead = [edge for edge in edges if edge <= at], [edge for edge in edges if edge > at]
    moment = max(past) if past else min(ahead, default=at)
    before = [slot for slot in slots if slot.starts_at < moment <= slot.ends_at]
    after = [slot for slot in slots if slot.starts_at <= moment < slot.ends_at]
    held_before = {(slot.post, slot.holder.user) for slot in before if slot.holder}
    held_after = {(slot.post, slot.holder.user) for slot in after if slot.holder}
    both = held_before & held_after
    return Changeover(
        at=moment,
        goes_off=tuple(slot for slot in before if _key(slot) not in both),
        comes_on=tuple(slot for slot in after if _key(slot) not in both),
        stays=tuple(slot for slot in after if _key(slot) in both),
    )


def digest(
    change: Changeover,
    alerts: Sequence[Alert],
    cases: Sequence[CaseUnderWay],
    *,
    directory: Directory,
    at: datetime,
    offset: int,
) -> BilingualText:
    """What is said at the hand-over, a line each; late cases first. No line can name a patient."""
    late = [case for case in cases if is_overdue(case, at)]
    clock = local_time(change.at, offset).strftime("%m-%d %H:%M")
    lines = [
        BilingualText(zh=f"交接班 {clock}", en=f"Hand-over {clock}"),
        _people("交班", "Goes off", change.goes_off),
        _people("接班", "Comes on", change.comes_on),
        BilingualText(
            zh=f"未解除提醒 {len(alerts)}，在途病例 {len(cases)}，其中超时 {len(late)}",
            en=f"{len(alerts)} open alerts, {len(cases)} cases under way, {len(late)} of them late",
        ),
    ]
    lines += [BilingualText(zh=f"提醒 {alert.title.zh}", en=f"Alert: {alert.title.en}") for alert in alerts]
    lines += [_case(case, directory, offset, is_late=True) for case in late]
    lines += [_case(case, directory, offset, is_late=False) for case in cases if case not in late]
    return BilingualText(zh="\n".join(line.zh for line in lines), en="\n".join(line.en for line in lines))


def _key(slot: DutySlot) -> tuple[object, str]:
    return slot.post, slot.holder.user if slot.holder else ""


def _people(zh: str, en: str, slots: Sequence[DutySlot]) -> BilingualText:
    told = [(post_text(slot.post), slot.holder.name) for slot in slots if slot.holder]
    return BilingualText(
        zh=f"{zh}：{'，'.join(f'{post.zh} {name}' for post, name in told) or '无'}",
        en=f"{en}: {'; '.join(f'{post.en} {name}' for post, name in told) or 'nobody'}",
    )


def _case(case: CaseUnderWay, directory: Directory, offset: int, *, is_late: bool) -> BilingualText:
    urgency = texts.URGENCIES[case.urgency] if case.urgency else texts.UNKNOWN
    pathway = texts.PATHWAYS[case.pathway] if case.pathway else texts.UNKNOWN
    sender = directory.name(case.from_facility) if case.from_facility else texts.UNKNOWN
    receiver = directory.name(case.to_facility) if case.to_facility else texts.UNKNOWN
    phase, number = _PHASES[case.phase], case_number(case.name)
    late = BilingualText(zh="超时 ", en="LATE ") if is_late else BilingualText(zh="", en="")
    due = local_time(case.due_at, offset).strftime("%m-%d %H:%M") if case.due_at else ""
    return BilingualText(
        zh=f"{late.zh}{number} {urgency.zh}{pathway.zh} {sender.zh}→{receiver.zh} {phase.zh}"
        + (f" 应于 {due}" if due else ""),
        en=f"{late.en}{number} {urgency.en}, {pathway.en}, {sender.en} → {receiver.en}, "
        + f"{phase.en}{f', due {due}' if due else ''}",
    )
