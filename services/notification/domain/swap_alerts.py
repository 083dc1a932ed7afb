"""What the person who is to take over a turn is told: an alert to be known, gone with the answer."""

from services.notification.domain import swap_texts as words
from services.notification.domain.commands import TriggerAlert
from services.notification.domain.roster_state import Roster, offset_minutes, people
from services.notification.domain.roster_texts import moment_text
from services.notification.domain.swap_values import SwapProposal
from services.notification.domain.values import DutyStep, EscalationStep, Severity
from services.notification.domain.wording import fill
from services.shared.kernel.text import BilingualText

#: Code of the alert, as of a rule.
SWAP_PROPOSED = "SWAP_PROPOSED"


def swap_key(swap: str) -> str:
    """One swap, one alert."""
    return f"{SWAP_PROPOSED}/{swap}"


def swap_alert(roster: Roster, swap: SwapProposal) -> TriggerAlert:
    """To the taker and nobody else; nobody is called again for it, for the first person stays on duty."""
    taker, offset = people(roster)[swap.taker], offset_minutes(roster)
    until = moment_text(swap.lapses_at, offset)
    values = {
        "taker": BilingualText(zh=taker.name, en=taker.name),
        "swap": words.proposal_text(swap, offset),
        "until": BilingualText(zh=until, en=until),
    }
    from_roster = EscalationStep(
        duty=DutyStep.DUTY.value,
        facility=roster.facility,
        recipients=(taker,),
        repeat_s=0,
        rounds=1,
    )
    return TriggerAlert(
        rule=SWAP_PROPOSED,
        dedup_key=swap_key(swap.name),
        severity=Severity.INFORMATION,
        facility=roster.facility,
        role=swap.first.post.role,
        pathway=swap.first.post.pathway,
        urgency=None,
        subject=roster.name,
        episode="",
        title=fill(words.PROPOSED_TITLE, values),
        body=fill(words.PROPOSED_BODY, values),
        action="ConfirmSwap",
        act_by=swap.lapses_at,
        escalation=(from_roster,),
        cause_event_id=swap.name,
    )
