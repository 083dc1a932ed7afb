"""Admissions by the hospital's own system: to the bed that is held, to one it names, or to the best fitting
one.

The same encounter admitted again changes nothing: the system may send what it sent before.
"""

from collections.abc import Sequence

from services.bed.domain.commands import AdmitPatient
from services.bed.domain.events import BedHeld, BedOccupied, EncounterLinked, Event
from services.bed.domain.fitting import Needs
from services.bed.domain.holds import held_for
from services.bed.domain.occupancy import bed_in, not_free_rules, occupied_by, taking_rules
from services.bed.domain.pseudonyms import pseudonym_faults
from services.bed.domain.refusing import refused_for_bed
from services.bed.domain.state import Ward, bed_of_encounter, bed_of_patient
from services.bed.domain.texts import failed
from services.bed.domain.transfers import chosen
from services.bed.domain.values import Bed, BedState, WaitingEntry
from services.bed.domain.waiting import request_of
from services.shared.kernel.command import CommandContext
from services.shared.kernel.refusals import FieldViolation, InvalidInput, NotFound


def ward_to_admit_to(wards: Sequence[Ward], command: AdmitPatient) -> Ward:
    """The ward of the facility that the patient goes to: where they have a bed, or one is held; the named
    one; or the best fitting.

    Raises InvalidInput for what is no pseudonym and when nothing says which kind of bed, NotFound for a ward
    that is not there, NotAllowed (NO_FREE_BED, NO_SUITABLE_WARD, RESERVED_FOR_REFERRALS).
    """
    own = next((ward for ward in wards if _own_bed(ward, command) is not None), None)
    if own is not None:
        return own
    violations = pseudonym_faults(command.patient)
    if command.bed and not command.ward:
        violations.append(
            FieldViolation(
                field="ward", reason="REQUIRED", description="is needed with a bed: ids are a ward's"
            )
        )
    if not command.ward and command.bed_type is None:
        violations.append(
            FieldViolation(
                field="bed_type",
                reason="REQUIRED",
                description="is needed where no ward is named and no bed is held for the patient",
            )
        )
    if violations:
        raise InvalidInput(*violations)
    if command.ward:
        return _named(wards, command.ward)
    return chosen(wards, _needs(wards, command), is_restricted=command.emergency_reason is None)[0]


def admit_patient(ward: Ward, command: AdmitPatient) -> tuple[Event, ...]:
    """BedOccupied, or EncounterLinked for who lies in the ward already; nothing for an encounter that is
    here.

    Raises NotFound for a bed that the ward has not; NotAllowed: ENCOUNTER_HAS_BED, PATIENT_HAS_BED,
    BED_STATE, BED_PROMISED, RESERVED_FOR_REFERRALS, NO_FREE_BED, NO_SUITABLE_WARD.
    """
    own = _own_bed(ward, command)
    if own is not None:
        return _in_own_bed(ward, own, command)
    if command.bed:
        bed = bed_in(ward, command.bed)
        rules = taking_rules(ward, bed, command)
        if rules:
            raise refused_for_bed(ward, bed, tuple(rules))
    else:
        needs = _needs((ward,), command)
        _, bed = chosen((ward,), needs, is_restricted=command.emergency_reason is None)
    return (
        BedOccupied(
            bed=bed.id,
            patient=command.patient,
            encounter=command.encounter,
            emergency_reason=command.emergency_reason,
        ),
    )


def admit_waiting(
    ward: Ward, entry: WaitingEntry, command: AdmitPatient, context: CommandContext
) -> tuple[BedHeld, BedOccupied]:
    """The events for a patient whose referral waits, in a bed of the ward's choice: they lie there for the
    referral.

    Raises NotFound, NotAllowed (BED_STATE, BED_PROMISED).
    """
    bed = bed_in(ward, command.bed)
    if rules := not_free_rules(bed):
        raise refused_for_bed(ward, bed, tuple(rules))
    held = held_for(ward, bed, request_of(entry, context.recorded_at), context, entry.referral)
    return held, occupied_by(held.hold, command.encounter)


def _own_bed(ward: Ward, command: AdmitPatient) -> Bed | None:
    """Of the encounter, else of the patient."""
    return bed_of_encounter(ward, command.encounter) or bed_of_patient(ward, command.patient)


def _in_own_bed(ward: Ward, own: Bed, command: AdmitPatient) -> tuple[Event, ...]:
    other_ward = command.ward not in {"", ward.id}
    other_bed = other_ward or command.bed not in {"", own.id}
    if own.encounter == command.encounter and own.patient == command.patient and not other_bed:
        return ()
    if own.encounter == command.encounter:
        raise refused_for_bed(ward, own, (failed("ENCOUNTER_HAS_BED", ward=ward.id, bed=own.id),))
    if own.encounter or other_bed:
        raise refused_for_bed(ward, own, (failed("PATIENT_HAS_BED", bed=own.id),))
    if own.state is BedState.HELD and own.hold is not None:
        return (occupied_by(own.hold, command.encounter),)
    return (EncounterLinked(bed=own.id, patient=own.patient, encounter=command.encounter),)


def _needs(wards: Sequence[Ward], command: AdmitPatient) -> Needs:
    """Of the type that is asked for; of the ward's own where the ward is named."""
    bed_type = _named(wards, command.ward).bed_type if command.ward else command.bed_type
    if bed_type is None:
        bed_type = wards[0].bed_type
    return Needs(
        facility=command.facility or wards[0].facility,
        bed_type=bed_type,
        sex=command.sex,
        age_years=command.age_years,
        isolation_needed=command.isolation_needed,
    )


def _named(wards: Sequence[Ward], name: str) -> Ward:
    found = next((ward for ward in wards if ward.id == name), None)
    if found is None:
        raise NotFound("Ward", f"wards/{name}")
    return found
