"""What the system does by itself: it follows referrals, and meets the deadlines of holds and blocks.

Nothing here is refused. What a reaction follows has happened already; where the ward has no bed for the
referral any more there is nothing to do, and an event that is delivered again changes nothing.
"""

from dataclasses import replace
from typing import assert_never

from services.bed.domain.commands import (
    AdjustHold,
    Command,
    GiveUpHold,
    MarkInTransit,
    MeetDeadline,
    OccupyOnArrival,
)
from services.bed.domain.events import (
    BedBlockOverdue,
    BedHoldInTransit,
    BedHoldLapsed,
    BedHoldOverdue,
    BedReleased,
    BedUnblocked,
    Event,
)
from services.bed.domain.holds import moved_end
from services.bed.domain.occupancy import occupied_by
from services.bed.domain.state import Ward, bed_of_referral
from services.bed.domain.transitions import permits
from services.bed.domain.values import Bed, BedState, Hold
from services.shared.kernel.command import CommandContext, Deadline


def react(
    ward: Ward,
    command: AdjustHold | MarkInTransit | OccupyOnArrival | GiveUpHold | MeetDeadline,
    context: CommandContext,
) -> tuple[Event, ...]:
    """The events of a command of the system's own; none where there is nothing to do."""
    match command:
        case AdjustHold():
            return _adjust_hold(ward, command)
        case MarkInTransit():
            return _mark_in_transit(ward, command)
        case OccupyOnArrival():
            return _admit_patient(ward, command)
        case GiveUpHold():
            return _give_up_hold(ward, command)
        case MeetDeadline(key=key):
            return _meet_deadline(ward, key, context)
        case _:
            assert_never(command)


def _hold_of(ward: Ward, referral: str, command: Command, target: BedState) -> Hold | None:
    """The referral's hold, where its bed is in a state that has a row for the command."""
    bed = bed_of_referral(ward, referral)
    return bed.hold if bed is not None and permits(bed.state, type(command), target) else None


def _adjust_hold(ward: Ward, command: AdjustHold) -> tuple[Event, ...]:
    """BedHoldExtended, when the end is another one."""
    hold = _hold_of(ward, command.referral, command, BedState.HELD)
    return moved_end(hold, command.expires_at) if hold is not None else ()


def _mark_in_transit(ward: Ward, command: MarkInTransit) -> tuple[Event, ...]:
    """BedHoldInTransit once, and BedHoldExtended when the departure brought another end."""
    hold = _hold_of(ward, command.referral, command, BedState.HELD)
    if hold is None:
        return ()
    on_road = replace(hold, patient_in_transit=True)
    departed: tuple[Event, ...] = () if hold.patient_in_transit else (BedHoldInTransit(hold=on_road),)
    return departed + moved_end(on_road, command.expires_at or hold.expires_at)


def _admit_patient(ward: Ward, command: OccupyOnArrival) -> tuple[Event, ...]:
    """BedOccupied, in the bed that was held."""
    hold = _hold_of(ward, command.referral, command, BedState.OCCUPIED)
    return (occupied_by(hold),) if hold is not None else ()


def _give_up_hold(ward: Ward, command: GiveUpHold) -> tuple[Event, ...]:
    """BedReleased, while it is held: a patient who lies in the bed is vacated by the ward alone."""
    if command.facility not in {"", ward.facility}:
        return ()
    hold = _hold_of(ward, command.referral, command, BedState.FREE)
    return (BedReleased(hold=hold, reason=command.reason),) if hold is not None else ()


def _key(hold: Hold) -> str:
    # With the end in it, a deadline that fires while its hold is being extended finds its key closed.
    return f"hold:{hold.name}:{hold.expires_at.isoformat()}"


def _deadline(bed: Bed) -> Deadline | None:
    """The end of its hold or block, unless that was met: of a patient who comes, or is here, it alerts
    once."""
    hold = bed.hold
    if bed.state is BedState.HELD and hold is not None and hold.overdue_since is None:
        return Deadline(key=_key(hold), due_at=hold.expires_at)
    until = bed.blocked_until
    if bed.state is BedState.BLOCKED and until is not None and bed.block_overdue_since is None:
        return Deadline(key=f"block:{bed.id}:{until.isoformat()}", due_at=until)
    return None


def deadlines(state: Ward) -> tuple[Deadline, ...]:
    """The end of each hold and of each block, until it was met."""
    return tuple([found for bed in state.beds if (found := _deadline(bed)) is not None])


def _meet_deadline(ward: Ward, key: str, context: CommandContext) -> tuple[Event, ...]:
    """BedHoldLapsed, or BedHoldOverdue for a patient who comes or is here; BedUnblocked where that was
    asked for, else BedBlockOverdue. Nothing for a key that is not open."""
    for bed in ward.beds:
        deadline = _deadline(bed)
        if deadline is None or deadline.key != key:
            continue
        if bed.hold is None:
            return _end_block(bed)
        if bed.hold.patient_in_transit or bed.hold.patient_arrived:
            return (BedHoldOverdue(hold=replace(bed.hold, overdue_since=context.recorded_at)),)
        return (BedHoldLapsed(hold=bed.hold),)
    return ()


def _end_block(bed: Bed) -> tuple[Event, ...]:
    if bed.unblock_at_end or bed.block_reason is None or bed.blocked_until is None:
        return (BedUnblocked(bed=bed.id),)
    return (BedBlockOverdue(bed=bed.id, reason=bed.block_reason, blocked_until=bed.blocked_until),)
