"""The norms: who may send whom where. Each rule is a pure function over one move and the directory.

They are the eight that the network agreed on; what each may be overridden by stands in `RULES`. Rules that
protect the patient or the law (approval, filing, readiness, consent, one live referral) take no override.
"""

from dataclasses import replace

from services.referral.domain.directory_state import level_rank
from services.referral.domain.norms_channel import green_channel, opens
from services.referral.domain.norms_insurance import insurance_filing
from services.referral.domain.norms_move import (
    CAPABILITY_OF,
    Move,
    Rule,
    Verdict,
    is_grassroots_care,
    nearest_capable,
    specialties,
)
from services.referral.domain.norms_texts import CAPABILITIES, LEVELS
from services.referral.domain.norms_verdicts import listed, name_of, verdict, worded
from services.referral.domain.values import Direction, FacilityLevel, Urgency
from services.shared.kernel.text import BilingualText

_HOUR_S = 3600
_LEVEL_AT = tuple(FacilityLevel)


def level_by_level(move: Move) -> Verdict:
    """A routine UP referral climbs one level at a time.

    Not to the lead of one's own community or group, inside a specialist alliance of the pathway, for a
    pathway whose nearest capable centre is that high, or by a green channel.
    """
    if move.direction is not Direction.UP:
        return verdict(True, "LEVEL_BY_LEVEL.NOT_UP")
    if move.urgency is not Urgency.ROUTINE:
        return verdict(True, "LEVEL_BY_LEVEL.NOT_ROUTINE")
    values = {
        "origin": move.origin.name,
        "origin_level": LEVELS[move.origin.level],
        "facility": move.destination.name,
        "level": LEVELS[move.destination.level],
    }
    step = level_rank(move.destination.level) - level_rank(move.origin.level)
    if step <= 1:
        return verdict(True, "LEVEL_BY_LEVEL.PASSED", **values)
    exception = _level_exception(move)
    if exception is not None:
        return exception
    if opens(move) and move.green_channel is not None:
        return verdict(True, "LEVEL_BY_LEVEL.GREEN_CHANNEL", channel=move.green_channel.name)
    next_level = LEVELS[_LEVEL_AT[level_rank(move.origin.level) + 1]]
    return verdict(False, "LEVEL_BY_LEVEL.FAILED", **values, next_level=next_level)


def _level_exception(move: Move) -> Verdict | None:
    directory, origin, destination = move.directory, move.origin, move.destination
    if destination.id in directory.leads_above(origin):
        return verdict(True, "LEVEL_BY_LEVEL.LEAD", facility=destination.name)
    alliance = directory.alliance_between(origin.id, destination.id, specialties(move.pathway))
    if alliance is not None:
        return verdict(True, "LEVEL_BY_LEVEL.ALLIANCE", alliance=alliance.name, facility=destination.name)
    needed = CAPABILITY_OF.get(move.pathway)
    nearest = None if needed is None else nearest_capable(move)
    if needed is not None and nearest is not None:
        facility, minutes = nearest
        if level_rank(facility.level) >= level_rank(destination.level):
            return verdict(
                True,
                "LEVEL_BY_LEVEL.NEAREST_CENTRE_HIGHER",
                capability=CAPABILITIES[needed],
                nearest=facility.name,
                level=LEVELS[facility.level],
                minutes=str(minutes),
            )
    return None


def capability(move: Move) -> Verdict:
    """The destination has the pathway's centre or department."""
    needed = CAPABILITY_OF.get(move.pathway)
    if needed is None:
        return verdict(True, "CAPABILITY.NONE_NEEDED")
    values = {"facility": move.destination.name, "capability": CAPABILITIES[needed]}
    if needed in move.destination.capabilities:
        return verdict(True, "CAPABILITY.PASSED", **values)
    if is_grassroots_care(move.destination, move.pathway, move.direction):
        return verdict(True, "CAPABILITY.GRASSROOTS", **values)
    return verdict(False, "CAPABILITY.FAILED", **values)


def nearest(move: Move) -> Verdict:
    """An emergency goes to the nearest capable facility by travel time.

    Of destinations asked at the same moment the nearest must be one.
    """
    if move.urgency is not Urgency.EMERGENCY:
        return verdict(True, "NEAREST_CAPABLE.NOT_EMERGENCY")
    found = nearest_capable(move)
    if found is None:
        return verdict(True, "NEAREST_CAPABLE.UNKNOWN")
    facility, minutes = found
    mine = move.directory.travel_minutes(move.origin.id, move.destination.id)
    if mine is not None and mine <= minutes:
        return verdict(True, "NEAREST_CAPABLE.PASSED", facility=move.destination.name, minutes=str(mine))
    values: dict[str, str | BilingualText] = {
        "facility": move.destination.name,
        "nearest": facility.name,
        "minutes": str(minutes),
    }
    if facility.id in move.asked_together:
        return verdict(True, "NEAREST_CAPABLE.TOGETHER", **values)
    way = "" if mine is None else worded("NEAREST_CAPABLE.MINE", minutes=str(mine))
    return verdict(False, "NEAREST_CAPABLE.FAILED", **values, mine=way)


def approval_needed(move: Move) -> bool:
    """Leaving the county needs the lead facility's word; the way back down does not leave: it returns."""
    return move.scope in move.policy.approval_scopes and move.direction is not Direction.DOWN


def approved_afterwards(move: Move) -> bool:
    """Whether the approval may follow the patient: an emergency, a green channel, a referral that goes on."""
    return approval_needed(move) and (move.urgency is Urgency.EMERGENCY or move.continues or opens(move))


def approval(move: Move) -> Verdict:
    """OUT_OF_COUNTY needs the lead facility's approval; an emergency is reviewed afterwards."""
    if not approval_needed(move):
        return verdict(True, "APPROVAL.NOT_NEEDED")
    values: dict[str, str | BilingualText] = {
        "approver": name_of(move.directory, move.directory.lead_of(move.origin)),
        "facility": move.destination.name,
        "hours": str(move.policy.review_limit_s(move.urgency, move.pathway) // _HOUR_S),
    }
    if move.urgency is Urgency.EMERGENCY:
        return verdict(True, "APPROVAL.IN_RETROSPECT", **values)
    if move.continues:
        return verdict(True, "APPROVAL.CONTINUES", **values)
    if move.approved:
        return verdict(True, "APPROVAL.GIVEN", **values)
    if opens(move) and move.green_channel is not None:
        return verdict(True, "APPROVAL.GREEN_CHANNEL", **values, channel=move.green_channel.name)
    if move.approved is None:
        return verdict(True, "APPROVAL.AWAITED", **values)
    return verdict(False, "APPROVAL.FAILED", **values)


def down_ready(move: Move) -> Verdict:
    """A DOWN referral has a rehabilitation plan, a medication list and a first follow-up date."""
    if move.direction is not Direction.DOWN:
        return verdict(True, "DOWN_READY.NOT_DOWN")
    plan = move.rehabilitation_plan
    present = {
        "DOWN_READY.TASKS": plan is not None and bool(plan.tasks),
        "DOWN_READY.MEDICATIONS": plan is not None and bool(plan.medications),
        "DOWN_READY.FOLLOW_UP": plan is not None and bool(plan.first_follow_up_on),
    }
    missing = [worded(code) for code, is_there in present.items() if not is_there]
    if not missing:
        return verdict(True, "DOWN_READY.PASSED")
    return verdict(False, "DOWN_READY.FAILED", missing=listed(missing))


def consent(move: Move) -> Verdict:
    """Recorded, or the emergency exception; what continues a referral rests on the consent to that one."""
    if move.consent is not None and move.consent.recorded:
        return verdict(True, "CONSENT.RECORDED")
    if move.continues:
        return verdict(True, "CONSENT.CONTINUES")
    if move.consent is not None and move.consent.emergency_exception and move.urgency is Urgency.EMERGENCY:
        return verdict(True, "CONSENT.EMERGENCY")
    return verdict(False, "CONSENT.FAILED")


def one_live(move: Move) -> Verdict:
    """One live referral an episode."""
    if not move.live_referrals:
        return verdict(True, "ONE_LIVE.PASSED")
    return verdict(False, "ONE_LIVE.FAILED", referral=", ".join(move.live_referrals))


def new_destination(move: Move) -> Verdict:
    """A re-routed referral asks somebody who has not said no before."""
    asked = move.destination.id in move.asked_before
    code = "NEW_DESTINATION.FAILED" if asked else "NEW_DESTINATION.PASSED"
    return verdict(not asked, code, facility=move.destination.name)


def skipped_by_channel(move: Move) -> tuple[str, ...]:
    """What the green channel skips on this move; empty when none opens it."""
    if not opens(move):
        return ()
    without = replace(move, green_channel=None)
    levels = level_by_level(without).passed
    waits = approval_needed(move) and not approved_afterwards(without) and not move.approved
    return (*(() if levels else ("LEVEL_BY_LEVEL",)), *(("APPROVAL_QUEUE",) if waits else ()), "DEPOSIT")


RULES: tuple[Rule, ...] = (
    Rule(code="LEVEL_BY_LEVEL", overridable=True, check=level_by_level),
    Rule(code="CAPABILITY", overridable=True, check=capability),
    Rule(code="NEAREST_CAPABLE", overridable=True, check=nearest),
    Rule(code="APPROVAL", overridable=False, check=approval),
    Rule(code="INSURANCE_FILING", overridable=False, check=insurance_filing),
    Rule(code="DOWN_READY", overridable=False, check=down_ready),
    Rule(code="CONSENT", overridable=False, check=consent),
    Rule(code="ONE_LIVE", overridable=False, check=one_live),
)

#: Beside the eight, when a referral is re-routed.
NEW_DESTINATION = Rule(code="NEW_DESTINATION", overridable=True, check=new_destination)

#: Beside the eight, when a request names a green channel. Whoever has none leaves the channel out.
GREEN_CHANNEL = Rule(
    code="GREEN_CHANNEL",
    overridable=False,
    check=lambda move: green_channel(move, skipped_by_channel(move)),
)
