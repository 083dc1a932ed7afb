"""INSURANCE_FILING 异地就医备案: whose patients need a filing number before they leave.

The origin stands for where the patient is insured. Out of its pooling area, anybody but an emergency files,
unless the area's rule exempts the destination. Without pooling areas in the directory the site's policy
compares region codes.
"""

from services.referral.domain.directory_entries import PoolingArea
from services.referral.domain.directory_state import Facility
from services.referral.domain.norms_move import Move, Verdict
from services.referral.domain.norms_verdicts import verdict, worded
from services.referral.domain.values import Direction, Urgency
from services.shared.kernel.text import BilingualText


def filing_needed(move: Move) -> bool:
    """Whether a filing number is needed before departure.

    An emergency counts as filed (national rules on settlement outside the area, confidence B). The way back
    down ends at home.
    """
    return not _same_area(move) and not (
        move.urgency is Urgency.EMERGENCY or move.direction is Direction.DOWN or _exemption(move)
    )


def insurance_filing(move: Move) -> Verdict:
    """Never refuses a request: the number is asked for before departure."""
    here, there = _areas(move)
    if move.direction is Direction.DOWN:
        return verdict(True, "INSURANCE_FILING.DOWN")
    if _same_area(move):
        if here is None:
            return verdict(True, "INSURANCE_FILING.NOT_NEEDED")
        return verdict(True, "INSURANCE_FILING.SAME_AREA", area=_called(here, move.origin))
    if move.urgency is Urgency.EMERGENCY:
        return verdict(True, "INSURANCE_FILING.EMERGENCY")
    exemption = _exemption(move)
    if exemption:
        return verdict(True, "INSURANCE_FILING.EXEMPT", exemption=exemption)
    return verdict(
        True,
        "INSURANCE_FILING.BEFORE_DEPARTURE",
        facility=move.destination.name,
        here=_called(here, move.origin),
        there=_called(there, move.destination),
    )


def _areas(move: Move) -> tuple[PoolingArea | None, PoolingArea | None]:
    return (
        move.directory.pooling_area_of(move.origin),
        move.directory.pooling_area_of(move.destination),
    )


def _same_area(move: Move) -> bool:
    """A facility of no area and no region asks for nothing: nobody could say where it is."""
    here, there = _areas(move)
    if here is not None and there is not None:
        return here.id == there.id
    if here is None and there is None:
        return move.policy.same_pooling_area(move.origin.region, move.destination.region)
    outside = move.origin if here is None else move.destination
    return not outside.region


def _exemption(move: Move) -> str:
    """The rule that exempts, in a word; empty when none does."""
    here, _ = _areas(move)
    found = "" if here is None else move.directory.filing_exemption(here, move.destination)
    if found:
        return found
    exempt = move.policy.filing_exempt(move.origin.region, move.destination.region)
    return move.destination.region if exempt else ""


def _called(area: PoolingArea | None, facility: Facility) -> BilingualText:
    if area is None:
        return worded("INSURANCE_FILING.UNNAMED", region=facility.region)
    return area.name or BilingualText(zh=area.id, en=area.id)
