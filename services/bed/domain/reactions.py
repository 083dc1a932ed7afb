"""What the system does by itself: it follows referrals, and meets the deadlines of holds.

Nothing here is refused. What a reaction follows has happened already; where the ward has no bed for the
referral any more there is nothing to do, and an event that is delivered again changes nothing.
"""

from dataclasses import replace
from typing import assert_never

from services.bed.domain.commands import (
    AdjustHold,
    AdmitPatient,
    Command,
    GiveUpHold,
    MarkInTransit,
    MeetDeadline,
)
from services.bed.domain.events import BedHoldInTransit, BedHoldLapsed, BedHoldOverdue, BedReleased, Event
from services.bed.domain.holds import moved_end
from services.bed.domain.occupancy import occupied_by
from services.bed.domain.state import Ward, bed_of_referral
from services.bed.domain.transitions import permits
from services.bed.domain.values import BedState, Hold
from services.shared.kernel.command import CommandContext, Deadline


def react(
    ward: Ward,
    command: AdjustHold | MarkInTransit | AdmitPatient | GiveUpHold | MeetDeadline,
    context: CommandContext,
) -> tuple[Event, ...]:
    """The events of a command of the system's own; none where there is nothing to do."""
    match command:
        case AdjustHold():
            return _adjust_hold(ward, command)
        case MarkInTransit():
            return _mark_in_transit(ward, command)
        case AdmitPatient():
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


def _admit_patient(ward: Ward, command: AdmitPatient) -> tuple[Event, ...]:
    """BedOccupied, in the bed that was held."""
    hold = _hold_of(ward, command.referral, command, BedState.OCCUPIED)
    return (occupied_by(hold),) if hold is not None else ()


def _give_up_hold(ward: Ward, command: GiveUpHold) -> tuple[Event, ...]:
    """BedReleased, while it is held: a patient who lies in the bed is vacated by the ward alone."""
    hold = _hold_of(ward, command.referral, command, BedState.FREE)
    return (BedReleased(hold=hold, reason=command.reason),) if hold is not None else ()


def _key(hold: Hold) -> str:
    # With the end in it, a deadline that fires while its hold is being extended finds its key closed.
    return f"hold:{hold.name}:{hold.expires_at.isoformat()}"


def _waits(hold: Hold) -> bool:
    """Whether the hold's end is still to be met: that of a patient on the road alerts once."""
    return hold.overdue_since is None


def deadlines(state: Ward) -> tuple[Deadline, ...]:
    """The end of each hold, until it lapsed or, for a patient on the road, alerted."""
    return tuple(
        Deadline(key=_key(bed.hold), due_at=bed.hold.expires_at)
        for bed in state.beds
        if bed.hold is not None and bed.state is BedState.HELD and _waits(bed.hold)
    )


def _meet_deadline(ward: Ward, key: str, context: CommandContext) -> tuple[Event, ...]:
    """BedHoldLapsed, or BedHoldOverdue for a patient on the road; nothing for a key that is not open."""
    holds = (bed.hold for bed in ward.beds if bed.state is BedState.HELD and bed.hold is not None)
    hold = next((hold for hold in holds if _waits(hold) and _key(hold) == key), None)
    if hold is None:
        return ()
    if hold.patient_in_transit:
        return (BedHoldOverdue(hold=replace(hold, overdue_since=context.recorded_at)),)
    return (BedHoldLapsed(hold=hold),)
