"""What a swap tells: the taker is asked, who asked is told of the answer, and both that it is withdrawn.

Alerts to be known. The first goes with the answer, the second when it is read, or the swap is taken back, the
third when it is read.
"""

from datetime import datetime

from services.notification.domain import swap_texts as words
from services.notification.domain.commands import TriggerAlert
from services.notification.domain.roster_state import Roster, offset_minutes, people
from services.notification.domain.roster_texts import moment_text
from services.notification.domain.swap_values import SwapProposal
from services.notification.domain.values import DutyStep, EscalationStep, Recipient, Severity
from services.notification.domain.wording import fill
from services.shared.kernel.text import BilingualText

#: Codes of the alerts, as of rules.
SWAP_PROPOSED = "SWAP_PROPOSED"
SWAP_ANSWERED = "SWAP_ANSWERED"
SWAP_WITHDRAWN = "SWAP_WITHDRAWN"


def swap_key(swap: str) -> str:
    """One swap, one alert."""
    return _key(SWAP_PROPOSED, swap)


def answer_key(swap: str) -> str:
    """One swap, one answer, one alert."""
    return _key(SWAP_ANSWERED, swap)


def withdrawn_key(swap: str) -> str:
    """One swap that was agreed and is no more, one alert."""
    return _key(SWAP_WITHDRAWN, swap)


def swap_alert(roster: Roster, swap: SwapProposal) -> TriggerAlert:
    """To the taker and nobody else; nobody is called again for it, for the first person stays on duty."""
    taker, offset = people(roster)[swap.taker], offset_minutes(roster)
    until = moment_text(swap.lapses_at, offset)
    values = {
        "taker": BilingualText(zh=taker.name, en=taker.name),
        "swap": words.proposal_text(swap, offset),
        "until": BilingualText(zh=until, en=until),
    }
    return _to_be_known(
        roster,
        swap,
        (taker,),
        rule=SWAP_PROPOSED,
        title=fill(words.PROPOSED_TITLE, values),
        body=fill(words.PROPOSED_BODY, values),
        action="ConfirmSwap",
        act_by=swap.lapses_at,
    )


def answer_alert(roster: Roster, swap: SwapProposal) -> TriggerAlert | None:
    """To whoever asked, and whose turn it is where somebody asked for them; not to who gave the answer.

    None where nobody is left to tell, or nobody has answered.
    """
    concerned = dict.fromkeys((swap.proposed_by, swap.first.user))
    told = [user for user in concerned if user != swap.settled_by]
    wording = words.ANSWERS.get(swap.state.value)
    if wording is None or not told:
        return None
    known = people(roster)
    taker = known.get(swap.taker, Recipient(user=swap.taker, name=swap.taker))
    values = {
        "taker": BilingualText(zh=taker.name, en=taker.name),
        "swap": words.proposal_text(swap, offset_minutes(roster)),
    }
    # Who keeps the roster may have asked, and need not stand in it.
    recipients = tuple(known.get(user, Recipient(user=user, name=user)) for user in told)
    title, body = wording
    return _to_be_known(
        roster,
        swap,
        recipients,
        rule=SWAP_ANSWERED,
        title=fill(title, values),
        body=fill(body, values),
    )


def withdrawn_alert(roster: Roster, swap: SwapProposal) -> TriggerAlert | None:
    """To the two who had agreed, for each has another turn again; not to who withdrew it.

    None where that leaves nobody.
    """
    told = [user for user in (swap.first.user, swap.taker) if user != swap.settled_by]
    if not told:
        return None
    known = people(roster)
    taker = known.get(swap.taker, Recipient(user=swap.taker, name=swap.taker))
    values = {
        "taker": BilingualText(zh=taker.name, en=taker.name),
        "swap": words.proposal_text(swap, offset_minutes(roster)),
    }
    return _to_be_known(
        roster,
        swap,
        tuple(known.get(user, Recipient(user=user, name=user)) for user in told),
        rule=SWAP_WITHDRAWN,
        title=fill(words.WITHDRAWN_TITLE, values),
        body=fill(words.WITHDRAWN_BODY, values),
    )


def _to_be_known(
    roster: Roster,
    swap: SwapProposal,
    recipients: tuple[Recipient, ...],
    *,
    rule: str,
    title: BilingualText,
    body: BilingualText,
    action: str = "",
    act_by: datetime | None = None,
) -> TriggerAlert:
    """About a swap, to these people: each is called once, and nobody after them."""
    from_roster = EscalationStep(
        duty=DutyStep.DUTY.value, facility=roster.facility, recipients=recipients, repeat_s=0, rounds=1
    )
    return TriggerAlert(
        rule=rule,
        dedup_key=_key(rule, swap.name),
        severity=Severity.INFORMATION,
        facility=roster.facility,
        role=swap.first.post.role,
        pathway=swap.first.post.pathway,
        urgency=None,
        subject=roster.name,
        episode="",
        title=title,
        body=body,
        action=action,
        act_by=act_by,
        escalation=(from_roster,),
        cause_event_id=swap.name,
    )


def _key(rule: str, swap: str) -> str:
    return f"{rule}/{swap}"
