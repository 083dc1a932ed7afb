"""One move of one patient, as the norms look at it, and what follows from its two ends."""

from collections.abc import Callable
from dataclasses import dataclass

from services.referral.domain.directory_entries import GreenChannel
from services.referral.domain.directory_state import Directory, Facility, level_rank
from services.referral.domain.policy import ReferralPolicy
from services.referral.domain.referral_values import Consent
from services.referral.domain.rehabilitation import RehabilitationPlan
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
    #: the green channel that the request names
    green_channel: GreenChannel | None = None
    #: every destination of the request, this one among them
    listed: tuple[str, ...] = ()
    #: an existing referral asks anew
    rerouted: bool = False


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
        capability is None
        or capability in facility.capabilities
        or is_grassroots_care(facility, pathway, direction)
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


def is_grassroots_care(facility: Facility, pathway: Pathway, direction: Direction) -> bool:
    """Whether a township or village takes a patient back for rehabilitation in the community."""
    downward = direction is Direction.DOWN and pathway is Pathway.REHABILITATION
    return downward and facility.level in GRASSROOTS


def _comparable(move: Move, facility: Facility) -> bool:
    if CAPABILITY_OF.get(move.pathway) is not None:
        return capable(facility, move.pathway, move.direction)
    if move.direction is Direction.UP:
        return level_rank(facility.level) > level_rank(move.origin.level)
    return facility.level is move.destination.level


def specialties(pathway: Pathway) -> frozenset[str]:
    """What an alliance may call the specialty of a pathway: the pathway, or the centre that it needs."""
    return frozenset({pathway.value, CAPABILITY_OF.get(pathway, pathway.value)})
