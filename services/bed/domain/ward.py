"""The ward: commands in, events out, and what its state means for the store. Stream `wards/{id}`."""

from typing import assert_never

from services.bed.domain import admission, description, holds, occupancy, reactions, transfers
from services.bed.domain import commands as ask
from services.bed.domain.commands import COMMANDS, Command
from services.bed.domain.events import EVENTS, Event
from services.bed.domain.evolve import evolve
from services.bed.domain.permissions import ensure_permitted
from services.bed.domain.reactions import deadlines
from services.bed.domain.refusing import allowed_commands
from services.bed.domain.state import Ward, stream_id
from services.bed.domain.values import PROMISE, BedEnvelope, BedState, Claim
from services.shared.kernel.command import CommandContext
from services.shared.kernel.refusals import NotFound

__all__ = [
    "COMMANDS",
    "EVENTS",
    "Command",
    "Event",
    "Ward",
    "allowed_commands",
    "claims",
    "deadlines",
    "decide",
    "envelope",
    "evolve",
    "facets",
    "stream_id",
    "transfer",
]


def decide(state: Ward | None, command: Command, context: CommandContext) -> tuple[Event, ...]:
    """The events that the command gives in this state; none when all is as it asks already.

    Raises NotPermitted, NotFound, InvalidInput and NotAllowed as the functions it calls say.
    """
    if isinstance(command, ask.ApplyWard):
        ensure_permitted(command, context.actor, command.facility)
        return description.apply_ward(state, command)
    if state is None:
        raise _not_found(command)
    ensure_permitted(command, context.actor, state.facility)
    match command:
        case ask.HoldBed():
            return holds.hold_bed(state, command, context)
        case ask.ExtendHold():
            return holds.extend_hold(state, command, context)
        case ask.ReleaseHold():
            return holds.release_hold(state, command)
        case (
            ask.AdjustHold()
            | ask.MarkInTransit()
            | ask.OccupyOnArrival()
            | ask.GiveUpHold()
            | ask.MeetDeadline()
        ):
            return reactions.react(state, command, context)
        case ask.AdmitPatient() | ask.TransferPatient() | ask.DischargePatient():
            return _decide_stay(state, command)
        case _:
            return _decide_occupancy(state, command, context)


def transfer(
    source: Ward | None, target: Ward | None, command: ask.TransferBed, context: CommandContext
) -> tuple[tuple[Event, ...], tuple[Event, ...]]:
    """The events of both wards. Raises as `transfers.transfer`, NotPermitted, NotFound for a ward that is
    not there."""
    if source is None:
        raise _not_found(command)
    ensure_permitted(command, context.actor, source.facility)
    if target is None or target.facility != source.facility:
        raise NotFound("Ward", stream_id(command.to_ward))
    return transfers.transfer(source, target, command)


_OfOccupancy = (
    ask.OccupyBed
    | ask.VacateBed
    | ask.MarkBedReady
    | ask.TransferBed
    | ask.BlockBed
    | ask.UnblockBed
    | ask.ConfirmCounts
)


def _decide_occupancy(state: Ward, command: _OfOccupancy, context: CommandContext) -> tuple[Event, ...]:
    match command:
        case ask.OccupyBed():
            return occupancy.occupy_bed(state, command)
        case ask.VacateBed():
            return occupancy.vacate_bed(state, command)
        case ask.MarkBedReady():
            return occupancy.mark_bed_ready(state, command)
        case ask.TransferBed():
            if command.to_ward not in {"", state.id}:
                raise ValueError("a transfer between two wards is decided with both: `transfer`")
            return transfers.transfer(state, state, command)[0]
        case ask.BlockBed():
            return occupancy.block_bed(state, command, context)
        case ask.UnblockBed():
            return occupancy.unblock_bed(state, command)
        case ask.ConfirmCounts():
            return occupancy.confirm_counts(state, command)
        case _:
            assert_never(command)


def _decide_stay(
    state: Ward, command: ask.AdmitPatient | ask.TransferPatient | ask.DischargePatient
) -> tuple[Event, ...]:
    match command:
        case ask.AdmitPatient():
            return admission.admit_patient(state, command)
        case ask.TransferPatient():
            asked = transfers.as_transfer(state, (state,), command)
            return transfers.transfer(state, state, asked)[0] if asked is not None else ()
        case ask.DischargePatient():
            return occupancy.discharge_patient(state, command)
        case _:
            assert_never(command)


def _not_found(command: Command) -> NotFound:
    """What the command was about, as far as it says."""
    match command:
        case ask.ExtendHold(hold=hold) | ask.ReleaseHold(hold=hold):
            return NotFound("Hold", hold)
        case ask.OccupyBed() | ask.VacateBed() | ask.MarkBedReady() | ask.TransferBed():
            return NotFound("Ward", stream_id(command.ward))
        case ask.TransferPatient() | ask.DischargePatient():
            return NotFound("Encounter", command.encounter)
        case ask.BlockBed() | ask.UnblockBed() | ask.ConfirmCounts():
            return NotFound("Ward", stream_id(command.ward))
        case _:
            return NotFound("Ward", "")


def facets(state: Ward) -> dict[str, str | bool | list[str]]:
    """What lists are filtered by. A ward without beds is closed."""
    return {
        "parties": [state.facility],
        "live": bool(state.beds),
        "facility": state.facility,
        "bed_type": state.bed_type.value,
    }


def envelope(state_after: Ward) -> BedEnvelope:
    """What the event that led to this state carries beside its payload."""
    return BedEnvelope(
        counts=state_after.counts,
        facility=state_after.facility,
        bed_type=state_after.bed_type,
        confirmed_at=state_after.confirmed_at,
        left_types=state_after.left_types,
    )


def encounter_key(facility: str, encounter: str) -> str:
    """An encounter is unique at its facility: so is its key on the platform."""
    return f"{facility}/{encounter}"


def claims(state: Ward) -> tuple[Claim, ...]:
    """What the ward has that nobody else may have: each bed in use, each referral's one bed, each
    encounter's.

    The store keeps them under a unique constraint on (kind, key), so that a second hold of a bed or for a
    referral fails there too, whatever the code does. The holder of both is the hold's name, by which it finds
    the ward of a hold.

    While the bed is held the hold claims the referral's promise as well, which the end of a referral takes
    for good: a hold that was decided on before the end was known fails there.
    """
    found: list[Claim] = []
    for bed in state.beds:
        hold = bed.hold
        if bed.encounter:
            found.append(
                Claim("encounter", encounter_key(state.facility, bed.encounter), stream_id(state.id))
            )
        if hold is not None:
            found.append(Claim("bed", f"{state.id}/{bed.id}", hold.name))
            found.append(Claim("referral-bed", hold.referral, hold.name))
            if bed.state is BedState.HELD:
                found.append(Claim(PROMISE, hold.referral, hold.name))
        elif bed.patient:
            found.append(Claim("bed", f"{state.id}/{bed.id}", bed.patient))
    return tuple(found)
