"""The alerts that boards and drills are: that no board is live, and the silent test."""

from datetime import datetime

from services.notification.domain import board_texts, texts
from services.notification.domain.board import NO_BOARD, Place, board_name
from services.notification.domain.commands import TriggerAlert
from services.notification.domain.directory import Directory
from services.notification.domain.drill import DRILL, drill_key
from services.notification.domain.drill_events import DrillStarted
from services.notification.domain.duty_steps import Rosters, escalation_policy
from services.notification.domain.roster import on_duty
from services.notification.domain.rules import RuleCatalogue
from services.notification.domain.values import DutyStep, EscalationStep, Recipient, Severity
from services.shared.kernel.text import BilingualText

#: Who switches a board on again; a centre's lead may do with being told at once and not as an emergency.
_SEVERITY = Severity.HIGH


def no_board_alert(
    place: Place,
    centres: tuple[str, ...],
    dedup_key: str,
    *,
    cause_event_id: str,
    catalogue: RuleCatalogue,
    directory: Directory,
    rosters: Rosters,
    at: datetime,
) -> TriggerAlert:
    """To the lead of each centre that has no screen with it, then who comes after, down to the fallback."""
    roles = (place.centre,) if place.centre else centres or ("",)
    escalation = escalation_policy(
        rosters,
        roles=roles,
        timing=catalogue.escalation[_SEVERITY],
        first_step=DutyStep.LEAD,
        fallback=catalogue.fallback,
        at=at,
    )
    names = {"facility": directory.name(place.facility)}
    title, body = board_texts.NO_BOARD_TITLE, board_texts.NO_BOARD_BODY
    if place.centre:
        names["centre"] = texts.role_names((place.centre,))
        title, body = board_texts.NO_CENTRE_BOARD_TITLE, board_texts.NO_CENTRE_BOARD_BODY
    return TriggerAlert(
        rule=NO_BOARD,
        dedup_key=dedup_key,
        severity=_SEVERITY,
        facility=place.facility,
        role=roles[0],
        pathway=None,
        urgency=None,
        subject=board_name(place.facility, place.centre),
        episode="",
        title=board_texts.named(title, **names),
        body=board_texts.named(body, **names),
        action="",
        act_by=None,
        escalation=escalation,
        cause_event_id=cause_event_id,
        without_board=True,
    )


def drill_alert(drill: str, started: DrillStarted, *, rosters: Rosters, at: datetime) -> TriggerAlert:
    """Silent: those on duty are named and called by no channel of theirs, and nobody comes after them."""
    plain = BilingualText(zh=started.centre, en=started.centre)
    present = on_duty(rosters.own, started.centre, DutyStep.DUTY.value, at)
    step = EscalationStep(
        duty=DutyStep.DUTY.value,
        facility=started.facility,
        recipients=tuple(Recipient(user=each.user, name=each.name) for each in present),
        repeat_s=0,
        rounds=1,
    )
    return TriggerAlert(
        rule=DRILL,
        dedup_key=drill_key(drill),
        severity=Severity.INFORMATION,
        facility=started.facility,
        role=started.centre,
        pathway=None,
        urgency=None,
        subject=drill,
        episode="",
        title=board_texts.named(board_texts.DRILL_TITLE, centre=texts.ROLES.get(started.centre, plain)),
        body=board_texts.DRILL_BODY,
        action="",
        act_by=started.answer_by,
        escalation=(step,) if present else (),
        cause_event_id=drill,
        drill=True,
        without_board=started.without_board,
    )
