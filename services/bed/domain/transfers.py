"""Patients who go to another bed, of the same ward or of another: both beds change in one step.

Whether the new bed suits the patient is for those who see the patient; where the choice is left to us it
follows `fitting`.
"""

from collections.abc import Sequence
from dataclasses import replace

from services.bed.domain.commands import TransferBed, TransferPatient
from services.bed.domain.events import BedTransferred, BedTransferredIn, BedTransferredOut, Event
from services.bed.domain.fitting import Needs, choose_bed, choose_ward, unavailable_reason
from services.bed.domain.occupancy import bed_in, reservation_rules
from services.bed.domain.refusing import refused_for_bed, refused_for_ward
from services.bed.domain.state import Ward, bed_of_encounter
from services.bed.domain.texts import no_bed, wrong_state
from services.bed.domain.transitions import permits
from services.bed.domain.values import Bed, BedState, Hold
from services.shared.kernel.refusals import FieldViolation, InvalidInput, NotFound


def transfer(source: Ward, target: Ward, command: TransferBed) -> tuple[tuple[Event, ...], tuple[Event, ...]]:
    """The events of the ward that is left, and of the other one: BedTransferred of one ward, or
    BedTransferredOut and BedTransferredIn of two.

    Raises InvalidInput for the same bed twice, NotFound, NotAllowed (BED_STATE of either bed or of both;
    RESERVED_FOR_REFERRALS in another ward, for a patient without a referral).
    """
    same_ward = source.id == target.id
    if same_ward and command.from_bed == command.to_bed:
        raise InvalidInput(
            FieldViolation(field="to_bed", reason="SAME_BED", description="must be another bed than from_bed")
        )
    left, taken = bed_in(source, command.from_bed), bed_in(target, command.to_bed)
    refused: list[tuple[Ward, Bed]] = []
    rules = []
    if not permits(left.state, TransferBed, BedState.CLEANING):
        refused.append((source, left))
        rules.append(wrong_state(left.id, left.state, "TransferFrom"))
    if not permits(taken.state, TransferBed, BedState.OCCUPIED):
        refused.append((target, taken))
        rules.append(wrong_state(taken.id, taken.state, "TransferTo"))
    elif not same_ward and left.hold is None and command.emergency_reason is None:
        refused.append((target, taken))
        rules.extend(reservation_rules(target))
    if rules:
        raise refused_for_bed(*refused[0], tuple(rules))
    if same_ward:
        hold = replace(left.hold, bed=taken.id) if left.hold is not None else None
        moved = BedTransferred(
            from_bed=left.id, to_bed=taken.id, hold=hold, patient=left.patient, encounter=left.encounter
        )
        return (moved,), ()
    return _between(source, left, target, taken, command)


def _between(
    source: Ward, left: Bed, target: Ward, taken: Bed, command: TransferBed
) -> tuple[tuple[Event, ...], tuple[Event, ...]]:
    gone = BedTransferredOut(
        bed=left.id,
        to_ward=target.id,
        to_bed=taken.id,
        referral=left.hold.referral if left.hold is not None else "",
        patient=left.patient,
        encounter=left.encounter,
    )
    come = BedTransferredIn(
        bed=taken.id,
        from_ward=source.id,
        from_bed=left.id,
        hold=_moved_hold(left.hold, target, taken),
        patient=left.patient,
        encounter=left.encounter,
        emergency_reason=command.emergency_reason,
    )
    return (gone,), (come,)


def _moved_hold(hold: Hold | None, target: Ward, bed: Bed) -> Hold | None:
    """The same hold in the other ward, with a token that grows there and for itself."""
    if hold is None:
        return None
    token = max(target.next_token, hold.fencing_token + 1)
    return replace(hold, ward=target.id, bed=bed.id, fencing_token=token)


def as_transfer(source: Ward, wards: Sequence[Ward], command: TransferPatient) -> TransferBed | None:
    """The transfer that the hospital system asks for; None when the patient is where it wants them.

    `wards` are those of the facility that may be chosen from, the present one among them. Raises NotFound
    for an encounter or a ward that is not there, InvalidInput when nothing says where to, NotAllowed
    (NO_FREE_BED, NO_SUITABLE_WARD, RESERVED_FOR_REFERRALS).
    """
    present = bed_of_encounter(source, command.encounter)
    if present is None:
        raise NotFound("Encounter", command.encounter)
    to_ward = command.to_ward or (source.id if command.to_bed else "")
    if not to_ward and command.bed_type is None:
        raise InvalidInput(
            FieldViolation(field="to_ward", reason="REQUIRED", description="or bed_type: say where to")
        )
    is_there = source.id == to_ward or (not to_ward and source.bed_type is command.bed_type)
    if is_there and command.to_bed in {"", present.id}:
        return None
    bed = command.to_bed
    if not bed:
        needs = Needs(
            facility=source.facility,
            bed_type=command.bed_type or _named(wards, to_ward).bed_type,
            sex=command.sex,
            age_years=command.age_years,
            isolation_needed=command.isolation_needed,
        )
        candidates = [ward for ward in wards if to_ward in {"", ward.id}]
        target = chosen(candidates, needs, is_restricted=_is_restricted(present, command))
        to_ward, bed = target[0].id, target[1].id
    return TransferBed(
        ward=source.id,
        from_bed=present.id,
        to_bed=bed,
        to_ward=to_ward,
        emergency_reason=command.emergency_reason,
    )


def _is_restricted(present: Bed, command: TransferPatient) -> bool:
    return present.hold is None and command.emergency_reason is None


def _named(wards: Sequence[Ward], name: str) -> Ward:
    found = next((ward for ward in wards if ward.id == name), None)
    if found is None:
        raise NotFound("Ward", f"wards/{name}")
    return found


def chosen(wards: Sequence[Ward], needs: Needs, *, is_restricted: bool) -> tuple[Ward, Bed]:
    """The best fitting bed; `is_restricted` for who may not take those that are reserved for referrals.

    Raises NotFound without a ward, NotAllowed (NO_FREE_BED, NO_SUITABLE_WARD, RESERVED_FOR_REFERRALS).
    """
    open_to = [ward for ward in wards if not (is_restricted and reservation_rules(ward))]
    ward = choose_ward(open_to, needs)
    if ward is not None and (bed := choose_bed(ward, needs)) is not None:
        return ward, bed
    kept = choose_ward(wards, needs)
    if kept is not None:
        raise refused_for_ward(kept, tuple(reservation_rules(kept)))
    if not wards:
        raise NotFound("Ward", needs.facility)
    raise refused_for_ward(wards[0], (no_bed(unavailable_reason(wards, needs), needs.bed_type),))
