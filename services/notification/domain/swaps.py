"""Who may exchange a turn with whom, and when: a swap counts once both have agreed to it.

Whose turn it is asks, the other confirms; whoever keeps the roster may speak for either. Until then, and
where nobody answers before the turn begins, the first person is on duty.
"""

from dataclasses import replace
from datetime import datetime

from services.notification.domain import swap_texts as words
from services.notification.domain.roster_keepers import keeps
from services.notification.domain.roster_state import Roster, roster_name
from services.notification.domain.roster_values import Post, SwapSide
from services.notification.domain.swap_checks import faults
from services.notification.domain.swap_values import (
    KEPT,
    SWAPS_MAX,
    ConfirmSwap,
    DeclineSwap,
    LapseSwap,
    ProposeSwap,
    SwapCommand,
    SwapConfirmed,
    SwapDeclined,
    SwapEvent,
    SwapLapsed,
    SwapProposal,
    SwapProposed,
    SwapState,
    SwapWithdrawn,
    WithdrawSwap,
    sides,
)
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.command import CommandContext, Deadline, Recorded
from services.shared.kernel.ids import resource_name
from services.shared.kernel.refusals import (
    FailedRule,
    FieldViolation,
    InvalidInput,
    NotAllowed,
    NotFound,
    NotPermitted,
)

#: Before the name of a swap, in the key of its deadline.
_LAPSE = "lapse/"


def swap_roster(swap: str) -> str:
    """The name of the roster that a swap is of."""
    return swap.partition("/swaps/")[0]


def swap_name(roster: str, request_id: str) -> str:
    """The name of the swap that a request asks for."""
    return f"{roster}/{resource_name('swaps', request_id)}"


def find(state: Roster | None, swap: str) -> SwapProposal | None:
    """What is kept of a swap."""
    known = state.proposals if state is not None else ()
    return next((each for each in known if each.name == swap), None)


def allowed(swap: SwapProposal) -> tuple[str, ...]:
    """What may be done with it; what time still allows is found out by doing it."""
    match swap.state:
        case SwapState.PROPOSED:
            return ("ConfirmSwap", "DeclineSwap", "WithdrawSwap")
        case SwapState.AGREED:
            return ("WithdrawSwap",)
        case _:
            return ()


def decide(state: Roster | None, command: SwapCommand, context: CommandContext) -> tuple[SwapEvent, ...]:
    """Raises NotFound for strangers to the facility, NotPermitted, InvalidInput and NotAllowed."""
    if isinstance(command, ProposeSwap):
        return _propose(state, command, context)
    found = find(state, command.swap)
    if state is None or found is None or not _takes_part(state.facility, context.actor):
        raise NotFound("Swap", command.swap)
    if isinstance(command, LapseSwap):
        is_due = found.state is SwapState.PROPOSED and found.lapses_at <= context.recorded_at
        return (SwapLapsed(swap=found.name),) if is_due else ()
    _check_right(state, found, command, context.actor)
    _check_state(found, command, context.recorded_at)
    match command:
        case ConfirmSwap():
            failed = [
                FailedRule(code=code, text=words.fault(code, detail))
                for _, code, detail in faults(state, found, context.recorded_at)
            ]
            if failed:
                raise _refused(found, *failed)
            return (SwapConfirmed(swap=found.name),)
        case DeclineSwap():
            return (SwapDeclined(swap=found.name, reason=command.reason),)
        case WithdrawSwap():
            return (SwapWithdrawn(swap=found.name, reason=command.reason),)


def fold(state: Roster, recorded: Recorded[SwapEvent]) -> tuple[SwapProposal, ...]:
    """The swaps of a roster after one more event."""
    event, metadata = recorded.event, recorded.metadata
    if isinstance(event, SwapProposed):
        proposal = SwapProposal(
            name=event.swap,
            first=event.first,
            taker=event.taker,
            second=event.second,
            reason=event.reason,
            state=SwapState.PROPOSED,
            proposed_at=metadata.recorded_at,
            proposed_by=metadata.actor.user,
            lapses_at=event.lapses_at,
        )
        return (*kept(state.proposals, metadata.recorded_at), proposal)
    settled, reason = SwapState.AGREED, None
    match event:
        case SwapDeclined():
            settled, reason = SwapState.DECLINED, event.reason
        case SwapWithdrawn():
            settled, reason = SwapState.WITHDRAWN, event.reason
        case SwapLapsed():
            settled = SwapState.LAPSED
    return tuple(
        replace(
            each,
            state=settled,
            settled_at=metadata.recorded_at,
            settled_by=metadata.actor.user,
            settled_reason=reason,
        )
        if each.name == event.swap
        else each
        for each in state.proposals
    )


def kept(proposals: tuple[SwapProposal, ...], at: datetime) -> tuple[SwapProposal, ...]:
    """Those that still say something at a moment."""
    return tuple(each for each in proposals if max(side.starts_at for side, _ in sides(each)) + KEPT > at)


def deadlines(state: Roster) -> tuple[Deadline, ...]:
    """When those that nobody has answered are void."""
    return tuple(
        Deadline(key=f"{_LAPSE}{each.name}", due_at=each.lapses_at)
        for each in state.proposals
        if each.state is SwapState.PROPOSED
    )


def lapsing(key: str) -> LapseSwap | None:
    """The command of a roster's deadline; None where the deadline is of something else."""
    return LapseSwap(swap=key.removeprefix(_LAPSE)) if key.startswith(_LAPSE) else None


def _propose(state: Roster | None, command: ProposeSwap, context: CommandContext) -> tuple[SwapEvent, ...]:
    actor, at = context.actor, context.recorded_at
    facility = command.facility or actor.facility
    if state is None or not _takes_part(facility, actor):
        raise NotFound("Roster", roster_name(facility))
    command = _seated(command)
    if actor.user != command.first.user and not keeps(facility, actor):
        raise NotPermitted("SWAP_NOT_THEIRS", words.NOT_THEIRS)
    proposal = SwapProposal(
        name=swap_name(state.name, context.request_id),
        first=command.first,
        taker=command.taker,
        second=command.second,
        reason=command.reason,
        state=SwapState.PROPOSED,
        proposed_at=at,
        proposed_by=actor.user,
        lapses_at=min(side.starts_at for side, _ in sides(command)),
    )
    found = list(faults(state, proposal, at))
    if found:
        raise InvalidInput(*(_violation(*each) for each in found))
    if len(kept(state.proposals, at)) >= SWAPS_MAX:
        rule = FailedRule(code="SWAPS_TOO_MANY", text=words.fault("SWAPS_TOO_MANY", str(SWAPS_MAX)))
        raise NotAllowed(state="", allowed_commands=(), failed_rules=(rule,), resource_name=state.name)
    return (
        SwapProposed(
            swap=proposal.name,
            first=proposal.first,
            taker=proposal.taker,
            second=proposal.second,
            reason=proposal.reason,
            lapses_at=proposal.lapses_at,
        ),
    )


def _check_right(state: Roster, found: SwapProposal, command: SwapCommand, actor: Actor) -> None:
    if keeps(state.facility, actor):
        return
    if isinstance(command, WithdrawSwap):
        # What two have agreed on is not one's to take back.
        is_theirs = found.state is not SwapState.AGREED and actor.user in (
            found.proposed_by,
            found.first.user,
        )
    else:
        is_theirs = actor.user == found.taker
    if not is_theirs:
        raise NotPermitted("SWAP_NOT_THEIRS", words.NOT_THEIRS)


def _check_state(found: SwapProposal, command: SwapCommand, at: datetime) -> None:
    if type(command).__name__ not in allowed(found):
        code = f"SWAP_{found.state.value}"
        raise _refused(found, FailedRule(code=code, text=words.STATES[found.state.value]))
    if found.lapses_at <= at:
        raise _refused(found, FailedRule(code="TURN_HAS_BEGUN", text=words.fault("TURN_HAS_BEGUN", "")))


def _refused(found: SwapProposal, *failed: FailedRule) -> NotAllowed:
    return NotAllowed(
        state=found.state.value,
        allowed_commands=allowed(found),
        failed_rules=failed,
        resource_name=found.name,
    )


def _takes_part(facility: str, actor: Actor) -> bool:
    return actor.has_role(Role.SYSTEM) or (
        bool(facility) and (actor.facility == facility or keeps(facility, actor))
    )


def _violation(field: str, code: str, detail: str) -> FieldViolation:
    text = words.fault(code, detail)
    return FieldViolation(field=field, reason=code, description=f"{text.zh} · {text.en}")


def _seated(command: ProposeSwap) -> ProposeSwap:
    """The command with every post's seat: one that names none is the first."""
    second = None if command.second is None else _seated_side(command.second)
    return replace(command, first=_seated_side(command.first), second=second)


def _seated_side(side: SwapSide) -> SwapSide:
    post: Post = side.post
    return replace(side, post=replace(post, seat=post.seat or 1))
