"""The norms: who may send whom where. Each rule is a pure function over one move and the directory.

Source of the rules: shared/design/domain.md, "Norms".
"""

from collections.abc import Callable
from dataclasses import dataclass

from services.referral.domain.directory_state import Directory, Facility, level_rank
from services.referral.domain.policy import ReferralPolicy
from services.referral.domain.referral_values import Consent, RehabilitationPlan
from services.referral.domain.texts import filled, text
from services.referral.domain.values import Direction, FacilityLevel, Pathway, Scope, Urgency
from services.shared.kernel.text import BilingualText

#: The centre or department that a pathway needs at its destination; GENERAL needs none.
CAPABILITY_OF: dict[Pathway, str] = {
    Pathway.STROKE: "STROKE",
    Pathway.CHEST_PAIN: "CHEST_PAIN",
    Pathway.TRAUMA: "TRAUMA",
    Pathway.MATERNAL: "CRITICAL_MATERNAL",
    Pathway.NEONATAL: "CRITICAL_NEONATAL",
    Pathway.CRITICAL_CARE: "CRITICAL_CARE",
    Pathway.HEMODIALYSIS: "HEMODIALYSIS",
    Pathway.REHABILITATION: "REHABILITATION",
    Pathway.DAY_SURGERY: "DAY_SURGERY",
}

#: Levels that give grassroots rehabilitation and follow-up without a rehabilitation department 康复回社区.
GRASSROOTS = frozenset({FacilityLevel.VILLAGE, FacilityLevel.TOWNSHIP})


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """What the norms look at: one patient from an origin to one destination."""

    directory: Directory
    policy: ReferralPolicy
    origin: Facility
    destination: Facility
    direction: Direction
    scope: Scope
    urgency: Urgency
    pathway: Pathway
    consent: Consent | None = None
    rehabilitation_plan: RehabilitationPlan | None = None
    #: other referrals of the episode that are live
    live_referrals: tuple[str, ...] = ()
    #: facilities that said no before, or are listed before this destination
    asked_before: tuple[str, ...] = ()
    #: destinations asked at the same moment as this one
    asked_together: tuple[str, ...] = ()
    #: whether the lead facility approved; None before it could be asked
    approved: bool | None = None
    #: opened by a referral back or a red flag: it rests on the consent to the referral before
    continues: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    passed: bool
    text: BilingualText


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One norm."""

    code: str
    #: whether a coded reason may stand against it
    overridable: bool
    check: Callable[[Move], Verdict]


def move_between(
    *,
    directory: Directory,
    policy: ReferralPolicy,
    origin: Facility,
    destination: Facility,
    urgency: Urgency,
    pathway: Pathway,
) -> Move:
    """A move with what follows from its two ends."""
    return Move(
        directory=directory,
        policy=policy,
        origin=origin,
        destination=destination,
        direction=directory.direction(origin, destination),
        scope=directory.scope(origin, destination),
        urgency=urgency,
        pathway=pathway,
    )


def capable(facility: Facility, pathway: Pathway, direction: Direction) -> bool:
    """Whether the facility has what the pathway needs.

    Rehabilitation downwards needs the department or a grassroots level: township and village follow-up is
    what rehabilitation in the community means, and few townships have a department.
    """
    capability = CAPABILITY_OF.get(pathway)
    return (
        capability is None or capability in facility.capabilities or _grassroots(facility, pathway, direction)
    )


def nearest_capable(move: Move) -> tuple[Facility, int] | None:
    """The nearest capable facility by road that was not asked before; None when no travel time is known.

    A pathway without a centre has no capable centre to be near to: there, a higher level than the origin's
    (for a referral up) or the destination's own level counts.
    """
    refused = set(move.asked_before) - {move.destination.id}
    found = [
        (minutes, facility.id, facility)
        for facility, minutes in move.directory.reachable(move.origin.id)
        if facility.id not in refused and _comparable(move, facility)
    ]
    if not found:
        return None
    minutes, _, facility = min(found, key=lambda each: each[:2])
    return facility, minutes


def approval_needed(move: Move) -> bool:
    """Out of the county needs the lead facility's word; the way back down does not leave: it returns."""
    return move.scope is Scope.OUT_OF_COUNTY and move.direction is not Direction.DOWN


def filing_needed(move: Move) -> bool:
    """Whether a filing number is needed before departure (INSURANCE_FILING 异地就医备案).

    An emergency counts as filed (facts.md, Referral rules, B). The way back down ends at home.
    """
    if move.urgency is Urgency.EMERGENCY or move.direction is Direction.DOWN:
        return False
    here, there = move.origin.region, move.destination.region
    return not (move.policy.same_pooling_area(here, there) or move.policy.filing_exempt(here, there))


def _grassroots(facility: Facility, pathway: Pathway, direction: Direction) -> bool:
    downward = direction is Direction.DOWN and pathway is Pathway.REHABILITATION
    return downward and facility.level in GRASSROOTS


def _comparable(move: Move, facility: Facility) -> bool:
    if CAPABILITY_OF.get(move.pathway) is not None:
        return capable(facility, move.pathway, move.direction)
    if move.direction is Direction.UP:
        return level_rank(facility.level) > level_rank(move.origin.level)
    return facility.level is move.destination.level


def _passed(code: str) -> Verdict:
    return Verdict(passed=True, text=text(code))


def _named(passed: bool, code: str, facility: Facility, **values: str) -> Verdict:
    zh = {"facility": facility.name.zh, **values}
    return Verdict(passed=passed, text=filled(code, zh, {**zh, "facility": facility.name.en}))


def level_by_level(move: Move) -> Verdict:
    """A routine UP referral climbs one level at a time, with three exceptions."""
    if move.urgency is not Urgency.ROUTINE or move.direction is not Direction.UP:
        return _passed("LEVEL_BY_LEVEL.NOT_ROUTINE_UP")
    step = level_rank(move.destination.level) - level_rank(move.origin.level)
    if step <= 1:
        return _passed("LEVEL_BY_LEVEL.PASSED")
    if move.origin.community and move.directory.lead_of(move.origin) == move.destination.id:
        return _passed("LEVEL_BY_LEVEL.LEAD")
    if CAPABILITY_OF.get(move.pathway) is not None:
        nearest = nearest_capable(move)
        if nearest is not None and level_rank(nearest[0].level) >= level_rank(move.destination.level):
            return _passed("LEVEL_BY_LEVEL.NEAREST_CENTRE_HIGHER")
    return _named(False, "LEVEL_BY_LEVEL.FAILED", move.destination)


def capability(move: Move) -> Verdict:
    """The destination has the pathway's centre or department."""
    needed = CAPABILITY_OF.get(move.pathway)
    if needed is None:
        return _passed("CAPABILITY.NONE_NEEDED")
    if needed in move.destination.capabilities:
        return _named(True, "CAPABILITY.PASSED", move.destination, capability=needed)
    if _grassroots(move.destination, move.pathway, move.direction):
        return _named(True, "CAPABILITY.GRASSROOTS", move.destination)
    return _named(False, "CAPABILITY.FAILED", move.destination, capability=needed)


def nearest(move: Move) -> Verdict:
    """An emergency goes to the nearest capable facility by travel time.

    Of destinations asked at the same moment the nearest must be one.
    """
    if move.urgency is not Urgency.EMERGENCY:
        return _passed("NEAREST_CAPABLE.NOT_EMERGENCY")
    found = nearest_capable(move)
    if found is None:
        return _passed("NEAREST_CAPABLE.UNKNOWN")
    facility, minutes = found
    mine = move.directory.travel_minutes(move.origin.id, move.destination.id)
    if facility.id in move.asked_together or (mine is not None and mine <= minutes):
        return _named(True, "NEAREST_CAPABLE.PASSED", move.destination)
    values = {"minutes": str(minutes)}
    zh = {"facility": move.destination.name.zh, "nearest": facility.name.zh, **values}
    en = {"facility": move.destination.name.en, "nearest": facility.name.en, **values}
    return Verdict(passed=False, text=filled("NEAREST_CAPABLE.FAILED", zh, en))


def approval(move: Move) -> Verdict:
    """OUT_OF_COUNTY needs the lead facility's approval; an emergency is reviewed afterwards."""
    if not approval_needed(move):
        return _passed("APPROVAL.NOT_NEEDED")
    if move.urgency is Urgency.EMERGENCY or move.continues:
        code = "APPROVAL.IN_RETROSPECT" if move.urgency is Urgency.EMERGENCY else "APPROVAL.CONTINUES"
    elif move.approved:
        return _passed("APPROVAL.GIVEN")
    else:
        code = "APPROVAL.AWAITED" if move.approved is None else "APPROVAL.FAILED"
    lead = move.directory.facility(move.directory.lead_of(move.origin)) or move.origin
    approver = filled(code, {"approver": lead.name.zh}, {"approver": lead.name.en})
    return Verdict(passed=code != "APPROVAL.FAILED", text=approver)


def insurance_filing(move: Move) -> Verdict:
    """Never refuses a request: the number is asked for before departure."""
    if filing_needed(move):
        return _passed("INSURANCE_FILING.BEFORE_DEPARTURE")
    here, there = move.origin.region, move.destination.region
    if move.direction is Direction.DOWN or move.policy.same_pooling_area(here, there):
        return _passed("INSURANCE_FILING.NOT_NEEDED")
    if move.urgency is Urgency.EMERGENCY:
        return _passed("INSURANCE_FILING.EMERGENCY")
    return _passed("INSURANCE_FILING.EXEMPT")


def down_ready(move: Move) -> Verdict:
    """A DOWN referral has a rehabilitation plan, a medication list and a first follow-up date."""
    if move.direction is not Direction.DOWN:
        return _passed("DOWN_READY.NOT_DOWN")
    plan = move.rehabilitation_plan
    if plan is not None and plan.tasks and plan.medications and plan.first_follow_up_on:
        return _passed("DOWN_READY.PASSED")
    return Verdict(passed=False, text=text("DOWN_READY.FAILED"))


def consent(move: Move) -> Verdict:
    """Recorded, or the emergency exception; what continues a referral rests on the consent to that one."""
    if move.consent is not None and move.consent.recorded:
        return _passed("CONSENT.RECORDED")
    if move.continues:
        return _passed("CONSENT.CONTINUES")
    if move.consent is not None and move.consent.emergency_exception and move.urgency is Urgency.EMERGENCY:
        return _passed("CONSENT.EMERGENCY")
    return Verdict(passed=False, text=text("CONSENT.FAILED"))


def one_live(move: Move) -> Verdict:
    """One live referral an episode."""
    if not move.live_referrals:
        return _passed("ONE_LIVE.PASSED")
    values = {"referral": ", ".join(move.live_referrals)}
    return Verdict(passed=False, text=filled("ONE_LIVE.FAILED", values, values))


def new_destination(move: Move) -> Verdict:
    """A re-routed referral asks somebody who was not asked before."""
    asked = move.destination.id in move.asked_before
    return _named(
        not asked, "NEW_DESTINATION.FAILED" if asked else "NEW_DESTINATION.PASSED", move.destination
    )


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
