"""Who lies where, and which beds are out of use: commands by the ward."""

from dataclasses import replace

from services.bed.domain.commands import (
    BlockBed,
    Command,
    ConfirmCounts,
    MarkBedReady,
    OccupyBed,
    TransferBed,
    UnblockBed,
    VacateBed,
)
from services.bed.domain.events import (
    BedBlocked,
    BedMarkedReady,
    BedOccupied,
    BedTransferred,
    BedUnblocked,
    BedVacated,
    CountsConfirmed,
    Event,
)
from services.bed.domain.holds import held_bed
from services.bed.domain.refusing import no_such_bed, refused_for_bed
from services.bed.domain.state import Ward, bed_by_id
from services.bed.domain.texts import failed, wrong_state
from services.bed.domain.transitions import permits
from services.bed.domain.values import Bed, BedState, Hold
from services.shared.kernel.command import CommandContext
from services.shared.kernel.refusals import FieldViolation, InvalidInput


def occupied_by(hold: Hold) -> BedOccupied:
    """The hold as an occupancy: the patient is here, nothing about the road is open any more."""
    arrived = replace(hold, patient_in_transit=False, overdue_since=None)
    return BedOccupied(bed=hold.bed, hold=arrived, patient=hold.patient)


def occupy_bed(ward: Ward, command: OccupyBed) -> tuple[Event, ...]:
    """BedOccupied, of a hold or of a patient without one.

    Raises InvalidInput; NotFound for a bed that the ward has not; NotAllowed as `held_bed`; without a hold
    BED_STATE, BED_PROMISED, PATIENT_HAS_BED.
    """
    if command.hold:
        return (occupied_by(_arrived_hold(ward, command)),)
    missing = [name for name, value in (("bed", command.bed), ("patient", command.patient)) if not value]
    if missing:
        violations = (
            FieldViolation(field=name, reason="REQUIRED", description="is needed where there is no hold")
            for name in missing
        )
        raise InvalidInput(*violations)
    bed = _bed(ward, command.bed)
    rules = []
    if bed.state is BedState.HELD:
        rules.append(failed("BED_PROMISED", bed=bed.id))
    elif not permits(bed.state, OccupyBed, BedState.OCCUPIED):
        rules.append(wrong_state(bed.id, bed.state, "OccupyBed"))
    rules.extend(
        failed("PATIENT_HAS_BED", bed=other.id) for other in ward.beds if other.patient == command.patient
    )
    if rules:
        raise refused_for_bed(ward, bed, tuple(rules))
    return (BedOccupied(bed=bed.id, patient=command.patient),)


def _arrived_hold(ward: Ward, command: OccupyBed) -> Hold:
    bed, hold = held_bed(ward, command, BedState.OCCUPIED)
    named = (("bed", command.bed, bed.id), ("patient", command.patient, hold.patient))
    violations = tuple(
        FieldViolation(field=name, reason="NOT_OF_HOLD", description="is not the hold's")
        for name, given, own in named
        if given not in {"", own}
    )
    if violations:
        raise InvalidInput(*violations)
    return hold


def vacate_bed(ward: Ward, command: VacateBed) -> tuple[Event, ...]:
    """BedVacated. Raises NotFound, NotAllowed (BED_STATE)."""
    bed = _bed_for(ward, command.bed, command, BedState.CLEANING)
    referral = bed.hold.referral if bed.hold is not None else ""
    return (BedVacated(bed=bed.id, patient=bed.patient, referral=referral),)


def mark_bed_ready(ward: Ward, command: MarkBedReady) -> tuple[Event, ...]:
    """BedMarkedReady. Raises NotFound, NotAllowed (BED_STATE)."""
    return (BedMarkedReady(bed=_bed_for(ward, command.bed, command, BedState.FREE).id),)


def transfer_bed(ward: Ward, command: TransferBed) -> tuple[Event, ...]:
    """BedTransferred. Whether the new bed suits the patient is for those who see the patient.

    Raises InvalidInput for the same bed twice, NotFound, NotAllowed (BED_STATE of either bed or of both).
    """
    if command.from_bed == command.to_bed:
        raise InvalidInput(
            FieldViolation(field="to_bed", reason="SAME_BED", description="must be another bed than from_bed")
        )
    source, target = _bed(ward, command.from_bed), _bed(ward, command.to_bed)
    refused: list[Bed] = []
    rules = []
    if not permits(source.state, TransferBed, BedState.CLEANING):
        refused.append(source)
        rules.append(wrong_state(source.id, source.state, "TransferFrom"))
    if not permits(target.state, TransferBed, BedState.OCCUPIED):
        refused.append(target)
        rules.append(wrong_state(target.id, target.state, "TransferTo"))
    if rules:
        raise refused_for_bed(ward, refused[0], tuple(rules))
    hold = replace(source.hold, bed=target.id) if source.hold is not None else None
    return (BedTransferred(from_bed=source.id, to_bed=target.id, hold=hold, patient=source.patient),)


def block_bed(ward: Ward, command: BlockBed, context: CommandContext) -> tuple[Event, ...]:
    """BedBlocked. Raises InvalidInput for an end before its start, NotFound, NotAllowed (BED_STATE)."""
    if command.blocked_until is not None and command.blocked_until <= context.occurred_at:
        raise InvalidInput(
            FieldViolation(
                field="blocked_until", reason="BEFORE_START", description="must be after the bed is blocked"
            )
        )
    bed = _bed_for(ward, command.bed, command, BedState.BLOCKED)
    return (BedBlocked(bed=bed.id, reason=command.reason, blocked_until=command.blocked_until),)


def unblock_bed(ward: Ward, command: UnblockBed) -> tuple[Event, ...]:
    """BedUnblocked. Raises NotFound, NotAllowed (BED_STATE)."""
    return (BedUnblocked(bed=_bed_for(ward, command.bed, command, BedState.FREE).id),)


def confirm_counts(ward: Ward, command: ConfirmCounts) -> tuple[Event, ...]:
    """CountsConfirmed, which says whether the ward counts otherwise; nothing is corrected silently.

    Raises InvalidInput for counts below zero or that do not add up.
    """
    given = command.counts
    parts = ("free", "held", "occupied", "cleaning", "blocked")
    violations = [
        FieldViolation(field=f"counts.{name}", reason="NEGATIVE", description="must not be below zero")
        for name in ("beds", *parts)
        if getattr(given, name) < 0
    ]
    if sum(getattr(given, name) for name in parts) != given.beds:
        violations.append(
            FieldViolation(
                field="counts.beds",
                reason="DOES_NOT_ADD_UP",
                description="must be free + held + occupied + cleaning + blocked",
            )
        )
    if violations:
        raise InvalidInput(*violations)
    return (CountsConfirmed(ward_counts=given, differs=given != ward.counts),)


def _bed(ward: Ward, bed: str) -> Bed:
    found = bed_by_id(ward, bed)
    if found is None:
        raise no_such_bed(ward, bed)
    return found


def _bed_for(ward: Ward, bed: str, command: Command, target: BedState) -> Bed:
    found = _bed(ward, bed)
    if not permits(found.state, type(command), target):
        raise refused_for_bed(ward, found, (wrong_state(found.id, found.state, type(command).__name__),))
    return found
