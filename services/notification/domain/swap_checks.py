"""What is wrong with a swap as the roster stands: turns that are not theirs, two turns at once, absences."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from services.notification.domain.roster_slots import planned_turn, timeline
from services.notification.domain.roster_state import Roster, people
from services.notification.domain.roster_values import DutySlot, SlotOrigin, SwapSide
from services.notification.domain.swap_values import SwapProposal, SwapState, sides

#: A fault: path, code, detail.
Found = tuple[str, str, str]

_OPEN = (SwapState.PROPOSED, SwapState.AGREED)


def faults(state: Roster, proposal: SwapProposal, at: datetime) -> Iterator[Found]:
    """What is wrong with the exchange as the roster stands at a moment."""
    if proposal.first.user == proposal.taker:
        yield "taker", "SWAP_WITH_ONESELF", proposal.taker
    if proposal.taker not in people(state):
        yield "taker", "NOT_IN_ROSTER", proposal.taker
    if proposal.second is not None and proposal.second.user != proposal.taker:
        yield "second.user", "NOT_THE_TAKERS", proposal.taker
    taken = {
        (side.post, side.starts_at)
        for each in state.proposals
        if each.state in _OPEN and each.name != proposal.name
        for side, _ in sides(each)
    } | {(side.post, side.starts_at) for swap in state.swaps for side in (swap.first, swap.second)}
    is_planned = True
    for path, (side, _) in zip(("first", "second"), sides(proposal), strict=False):
        turn = planned_turn(state, side.post, side.starts_at)
        if turn is None:
            yield path, "NO_SUCH_TURN", side.user
        elif turn.holder is None or turn.holder.user != side.user:
            yield f"{path}.user", "ANOTHERS_TURN", turn.holder.user if turn.holder else ""
        elif side.starts_at <= at:
            yield f"{path}.starts_at", "TURN_HAS_BEGUN", side.user
        elif (side.post, side.starts_at) in taken:
            yield path, "TURN_SWAPPED_TWICE", side.user
        else:
            continue
        is_planned = False
    if is_planned:
        yield from _consequences(state, proposal)


def _consequences(state: Roster, proposal: SwapProposal) -> Iterator[Found]:
    """What the roster would say of these turns if it were agreed: nobody away, nobody at two posts of a role.

    It looks at these turns alone: a whole roster looked through for months takes seconds.
    """
    agreed = replace(proposal, state=SwapState.AGREED)
    others = tuple(each for each in state.proposals if each.name != proposal.name)
    after = replace(state, proposals=(*others, agreed))
    for path, (side, taker) in zip(("first", "second"), sides(proposal), strict=False):
        turn = planned_turn(after, side.post, side.starts_at)
        assert turn is not None
        slots = timeline(after, turn.starts_at, turn.ends_at, roles=(side.post.role,))
        own = [slot for slot in slots if slot.post == side.post and slot.planned_at == side.starts_at]
        if any(slot.holder is None or slot.holder.user != taker for slot in own):
            yield path, "TAKER_IS_AWAY", taker
        elsewhere = next((slot for slot in slots if _is_elsewhere(slot, side, taker)), None)
        if elsewhere is not None:
            yield path, "PERSON_TWICE", f"{taker}, {elsewhere.source}, {elsewhere.starts_at.isoformat()}"


def _is_elsewhere(slot: DutySlot, side: SwapSide, taker: str) -> bool:
    """Whether a person holds another post of the role. Who stands in for somebody was named in need."""
    return (
        slot.holder is not None
        and slot.holder.user == taker
        and slot.post != side.post
        and slot.post.pathway == side.post.pathway
        and slot.origin is not SlotOrigin.SUBSTITUTE
    )
