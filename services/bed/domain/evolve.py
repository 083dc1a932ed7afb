"""The fold: what a ward is after each of its events. It reads no clock and refuses nothing."""

from datetime import datetime

from services.bed.domain import events as happened
from services.bed.domain.description import natural_order
from services.bed.domain.events import Event
from services.bed.domain.state import Ward, count
from services.bed.domain.transitions import next_state
from services.bed.domain.values import Bed, BedType
from services.shared.kernel.command import EventMetadata, Recorded
from services.shared.kernel.frozen import changed


def evolve(state: Ward | None, recorded: Recorded[Event]) -> Ward:
    """The ward after the event. Raises ValueError when the event cannot follow: no ward has that history."""
    event, metadata = recorded.event, recorded.metadata
    if isinstance(event, happened.WardApplied):
        return _described(state, event, metadata)
    if state is None:
        raise ValueError(f"a ward's history cannot begin with {type(event).__name__}")
    beds = _beds_after(state.beds, event, metadata)
    next_token = state.next_token
    if isinstance(event, happened.BedHeld | happened.BedTransferredIn) and event.hold is not None:
        next_token = event.hold.fencing_token + 1
    return changed(
        state,
        version=metadata.version,
        beds=beds,
        counts=state.counts if beds is state.beds else count(beds),
        confirmed_at=_confirmed_at(state, event, metadata),
        update_time=metadata.recorded_at,
        next_token=next_token,
    )


def _described(state: Ward | None, event: happened.WardApplied, metadata: EventMetadata) -> Ward:
    removed = frozenset(event.removed_beds)
    constraints = {bed.id: bed.constraints for bed in event.changed_beds}
    kept = state.beds if state is not None else ()
    beds = [
        changed(bed, constraints=constraints[bed.id]) if bed.id in constraints else bed
        for bed in kept
        if bed.id not in removed
    ]
    ordered = tuple(sorted((*beds, *event.added_beds), key=natural_order))
    return Ward(
        id=metadata.aggregate_id.removeprefix("wards/"),
        version=metadata.version,
        facility=event.facility,
        bed_type=event.bed_type,
        name=event.name,
        beds=ordered,
        counts=count(ordered),
        confirmed_at=state.confirmed_at if state is not None else None,
        update_time=metadata.recorded_at,
        next_token=state.next_token if state is not None else 1,
        reserved_for_referrals=event.reserved_for_referrals,
        left_types=_left_types(state, event.bed_type, metadata.version),
    )


def _left_types(state: Ward | None, bed_type: BedType, version: int) -> dict[str, int]:
    if state is None:
        return {}
    if state.bed_type is bed_type:
        return state.left_types
    kept = {each: at for each, at in state.left_types.items() if each != bed_type.value}
    return {**kept, state.bed_type.value: version}


def _confirmed_at(state: Ward, event: Event, metadata: EventMetadata) -> datetime | None:
    """Moves forward alone, and only where the ward found what is shown."""
    if not isinstance(event, happened.CountsConfirmed) or event.differs:
        return state.confirmed_at
    return max(state.confirmed_at or metadata.occurred_at, metadata.occurred_at)


def _beds_after(beds: tuple[Bed, ...], event: Event, metadata: EventMetadata) -> tuple[Bed, ...]:
    match event:
        case (
            happened.BedHeld(hold=hold)
            | happened.BedHoldExtended(hold=hold)
            | happened.BedHoldInTransit(hold=hold)
            | happened.BedHoldOverdue(hold=hold)
        ):
            return _set(beds, hold.bed, event, Bed(id=hold.bed, hold=hold, patient=hold.patient))
        case happened.BedHoldLapsed(hold=hold) | happened.BedReleased(hold=hold):
            return _set(beds, hold.bed, event, Bed(id=hold.bed))
        case happened.BedOccupied(bed=bed, hold=lease) | happened.BedTransferredIn(bed=bed, hold=lease):
            lying = Bed(id=bed, hold=lease, patient=event.patient, encounter=event.encounter)
            return _set(beds, bed, event, lying)
        case (
            happened.BedVacated(bed=bed)
            | happened.BedTransferredOut(bed=bed)
            | happened.BedMarkedReady(bed=bed)
            | happened.BedUnblocked(bed=bed)
        ):
            return _set(beds, bed, event, Bed(id=bed))
        case happened.BedTransferred(from_bed=source, to_bed=target, hold=lease):
            left = _set(beds, source, event, Bed(id=source))
            lying = Bed(id=target, hold=lease, patient=event.patient, encounter=event.encounter)
            return _set(left, target, event, lying)
        case happened.EncounterLinked(bed=linked, encounter=encounter):
            return tuple(changed(bed, encounter=encounter) if bed.id == linked else bed for bed in beds)
        case happened.BedBlocked() | happened.BedBlockOverdue():
            return _set(beds, event.bed, event, _blocked(event, metadata))
        case _:
            return beds


def _blocked(event: happened.BedBlocked | happened.BedBlockOverdue, metadata: EventMetadata) -> Bed:
    overdue = isinstance(event, happened.BedBlockOverdue)
    return Bed(
        id=event.bed,
        block_reason=event.reason,
        blocked_until=event.blocked_until,
        unblock_at_end=isinstance(event, happened.BedBlocked) and event.unblock_at_end,
        block_overdue_since=metadata.recorded_at if overdue else None,
    )


def _set(beds: tuple[Bed, ...], bed: str, event: Event, content: Bed) -> tuple[Bed, ...]:
    """The beds with `content` in one of them; its state follows from the table, its constraints stay."""
    for index, present in enumerate(beds):
        if present.id == bed:
            after = changed(
                content, state=next_state(present.state, type(event)), constraints=present.constraints
            )
            return (*beds[:index], after, *beds[index + 1 :])
    raise ValueError(f"{type(event).__name__} names bed {bed}, which the ward has not")
