"""Who lies where, and which beds are out of use: commands by the ward."""

from services.bed.domain.commands import (
    AdmitPatient,
    BlockBed,
    Command,
    ConfirmCounts,
    DischargePatient,
    MarkBedReady,
    OccupyBed,
    UnblockBed,
    VacateBed,
)
from services.bed.domain.events import (
    BedBlocked,
    BedMarkedReady,
    BedOccupied,
    BedUnblocked,
    BedVacated,
    CountsConfirmed,
    Event,
)
from services.bed.domain.holds import held_bed
from services.bed.domain.pseudonyms import pseudonym_faults
from services.bed.domain.refusing import no_such_bed, refused_for_bed
from services.bed.domain.state import Ward, bed_by_id, bed_of_encounter
from services.bed.domain.texts import failed, wrong_state
from services.bed.domain.transitions import permits
from services.bed.domain.values import Bed, BedState, Hold
from services.shared.kernel.command import CommandContext
from services.shared.kernel.frozen import changed
from services.shared.kernel.refusals import FailedRule, FieldViolation, InvalidInput, NotFound


def occupied_by(hold: Hold, encounter: str = "") -> BedOccupied:
    """The hold as an occupancy: the patient is here, nothing about the road is open any more."""
    arrived = changed(hold, patient_in_transit=False, patient_arrived=False, overdue_since=None)
    return BedOccupied(bed=hold.bed, hold=arrived, patient=hold.patient, encounter=encounter)


def occupy_bed(ward: Ward, command: OccupyBed) -> tuple[Event, ...]:
    """BedOccupied, of a hold or of a patient without one.

    Raises InvalidInput; NotFound for a bed that the ward has not; NotAllowed as `held_bed`; without a hold
    BED_STATE, BED_PROMISED, PATIENT_HAS_BED, RESERVED_FOR_REFERRALS.
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
    if faults := pseudonym_faults(command.patient):
        raise InvalidInput(*faults)
    bed = bed_in(ward, command.bed)
    rules = taking_rules(ward, bed, command)
    rules.extend(
        failed("PATIENT_HAS_BED", bed=other.id) for other in ward.beds if other.patient == command.patient
    )
    if rules:
        raise refused_for_bed(ward, bed, tuple(rules))
    return (BedOccupied(bed=bed.id, patient=command.patient, emergency_reason=command.emergency_reason),)


def taking_rules(ward: Ward, bed: Bed, command: OccupyBed | AdmitPatient) -> list[FailedRule]:
    """Why a patient without a referral may not take the bed."""
    rules = not_free_rules(bed)
    if not rules and command.emergency_reason is None:
        rules.extend(reservation_rules(ward))
    return rules


def not_free_rules(bed: Bed) -> list[FailedRule]:
    """Why a patient without a hold may not take the bed."""
    if bed.state is BedState.HELD:
        return [failed("BED_PROMISED", bed=bed.id)]
    return [] if bed.state is BedState.FREE else [wrong_state(bed.id, bed.state, "OccupyBed")]


def reservation_rules(ward: Ward) -> list[FailedRule]:
    """Why a patient without a referral may not take a free bed of the ward, unless in an emergency."""
    if ward.counts.free > ward.reserved_for_referrals:
        return []
    return [failed("RESERVED_FOR_REFERRALS", ward=ward.id, beds=ward.reserved_for_referrals)]


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
    return vacated(bed)


def vacated(bed: Bed) -> tuple[Event, ...]:
    """BedVacated, with all that is known of who lay in it."""
    referral = bed.hold.referral if bed.hold is not None else ""
    return (BedVacated(bed=bed.id, patient=bed.patient, referral=referral, encounter=bed.encounter),)


def mark_bed_ready(ward: Ward, command: MarkBedReady) -> tuple[Event, ...]:
    """BedMarkedReady. Raises NotFound, NotAllowed (BED_STATE)."""
    return (BedMarkedReady(bed=_bed_for(ward, command.bed, command, BedState.FREE).id),)


def discharge_patient(ward: Ward, command: DischargePatient) -> tuple[Event, ...]:
    """BedVacated. Raises NotFound for an encounter that has no bed here."""
    bed = bed_of_encounter(ward, command.encounter)
    if bed is None:
        raise NotFound("Encounter", command.encounter)
    return vacated(bed)


def block_bed(ward: Ward, command: BlockBed, context: CommandContext) -> tuple[Event, ...]:
    """BedBlocked. Raises InvalidInput for an end before its start, NotFound, NotAllowed (BED_STATE)."""
    violations = []
    if command.blocked_until is not None and command.blocked_until <= context.occurred_at:
        violations.append(
            FieldViolation(
                field="blocked_until", reason="BEFORE_START", description="must be after the bed is blocked"
            )
        )
    if command.unblock_at_end and command.blocked_until is None:
        violations.append(
            FieldViolation(
                field="blocked_until",
                reason="REQUIRED",
                description="is needed for a block that ends by itself",
            )
        )
    if violations:
        raise InvalidInput(*violations)
    bed = _bed_for(ward, command.bed, command, BedState.BLOCKED)
    return (
        BedBlocked(
            bed=bed.id,
            reason=command.reason,
            blocked_until=command.blocked_until,
            unblock_at_end=command.unblock_at_end,
        ),
    )


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


def bed_in(ward: Ward, bed: str) -> Bed:
    """Raises NotFound for a bed that the ward has not."""
    found = bed_by_id(ward, bed)
    if found is None:
        raise no_such_bed(ward, bed)
    return found


def _bed_for(ward: Ward, bed: str, command: Command, target: BedState) -> Bed:
    found = bed_in(ward, bed)
    if not permits(found.state, type(command), target):
        raise refused_for_bed(ward, found, (wrong_state(found.id, found.state, type(command).__name__),))
    return found
