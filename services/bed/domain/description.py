"""A ward's description: checked, compared with what there is, applied as the difference."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from services.bed.domain.commands import ApplyWard, ApplyWards, BedSpecification, WardSpecification
from services.bed.domain.events import WardApplied
from services.bed.domain.refusing import refused_for_ward
from services.bed.domain.state import Ward, stream_id
from services.bed.domain.texts import failed
from services.bed.domain.values import IN_USE, Bed, BedConstraints
from services.shared.kernel.actor import Actor
from services.shared.kernel.refusals import FailedRule, FieldViolation, InvalidInput, NotAllowed
from services.shared.kernel.text import BilingualText

_DIGITS = re.compile(r"(\d+)")


def natural_order(bed: Bed) -> tuple[list[str | int], str]:
    """Sorts `w-2` before `w-10`, as people count."""
    pieces = _DIGITS.split(bed.id)
    return [int(piece) if index % 2 else piece for index, piece in enumerate(pieces)], bed.id


def _bad_id(value: str) -> bool:
    # A slash would make two beds share one key: `{ward}/{bed}`.
    return not value or "/" in value or not value.isprintable() or any(sign.isspace() for sign in value)


def _id_violation(field: str) -> FieldViolation:
    return FieldViolation(
        field=field, reason="INVALID_ID", description="must be printable, without spaces and slashes"
    )


def _bed_violations(bed: BedSpecification, path: str) -> Iterator[FieldViolation]:
    if _bad_id(bed.id):
        yield _id_violation(f"{path}.id")
    limits = bed.constraints
    if limits is None or limits.min_age_years is None or limits.max_age_years is None:
        return
    if limits.min_age_years > limits.max_age_years:
        yield FieldViolation(
            field=f"{path}.constraints.max_age_years",
            reason="AGE_RANGE_EMPTY",
            description="must not be below min_age_years",
        )


def _ward_violations(ward: WardSpecification, path: str) -> Iterator[FieldViolation]:
    if _bad_id(ward.id):
        yield _id_violation(f"{path}.id")
    if ward.beds and ward.bed_count:
        yield FieldViolation(
            field=f"{path}.bed_count",
            reason="BEDS_OR_COUNT",
            description="give the beds or their number, not both",
        )
    if ward.reserved_for_referrals > (len(ward.beds) or ward.bed_count):
        yield FieldViolation(
            field=f"{path}.reserved_for_referrals",
            reason="MORE_THAN_BEDS",
            description="must not be more than the ward's beds",
        )
    seen: set[str] = set()
    for index, bed in enumerate(ward.beds):
        yield from _bed_violations(bed, f"{path}.beds[{index}]")
        if bed.id in seen:
            yield FieldViolation(
                field=f"{path}.beds[{index}].id", reason="DUPLICATE_ID", description="is another bed's too"
            )
        seen.add(bed.id)


def _facility_violations(facility: str) -> Iterator[FieldViolation]:
    if not facility:
        yield FieldViolation(
            field="facility", reason="REQUIRED", description="is needed when your credentials name none"
        )


def split(request: ApplyWards, actor: Actor) -> tuple[ApplyWard, ...]:
    """One command a ward; wards that the request does not name stay as they are.

    A ward is closed by applying it without beds. Raises InvalidInput with every wrong field of every ward.
    """
    facility = request.facility or actor.facility
    violations = list(_facility_violations(facility))
    times = Counter(ward.id for ward in request.wards)
    for index, ward in enumerate(request.wards):
        violations.extend(_ward_violations(ward, f"wards[{index}]"))
        if times[ward.id] > 1:
            violations.append(
                FieldViolation(
                    field=f"wards[{index}].id", reason="DUPLICATE_ID", description="is another ward's too"
                )
            )
    if violations:
        raise InvalidInput(*violations)
    return tuple(ApplyWard(facility=facility, ward=ward) for ward in request.wards)


def _described_beds(ward: WardSpecification) -> tuple[Bed, ...]:
    """The beds as described. Numbers have at least two digits and no more: growing a ward renames no bed."""
    specified = ward.beds or tuple(
        BedSpecification(id=f"{ward.id}-{number:02d}") for number in range(1, ward.bed_count + 1)
    )
    beds = (Bed(id=bed.id, constraints=bed.constraints or BedConstraints()) for bed in specified)
    return tuple(sorted(beds, key=natural_order))


def difference(state: Ward | None, command: ApplyWard) -> WardApplied | None:
    """What the description would change; None when nothing."""
    ward = command.ward
    wanted = _described_beds(ward)
    wanted_ids = {bed.id for bed in wanted}
    present = {bed.id: bed for bed in state.beds} if state is not None else {}
    applied = WardApplied(
        facility=command.facility,
        bed_type=ward.bed_type,
        name=ward.name or BilingualText(zh=ward.id, en=ward.id),
        added_beds=tuple(bed for bed in wanted if bed.id not in present),
        removed_beds=tuple(bed for bed in present if bed not in wanted_ids),
        changed_beds=tuple(
            replace(present[bed.id], constraints=bed.constraints)
            for bed in wanted
            if bed.id in present and bed.constraints != present[bed.id].constraints
        ),
        reserved_for_referrals=ward.reserved_for_referrals,
    )
    if state is None or applied.added_beds or applied.removed_beds or applied.changed_beds:
        return applied
    return applied if describes_anew(state, applied) else None


def describes_anew(before: Ward, applied: WardApplied) -> bool:
    """Whether the ward itself, beside its beds, becomes another."""
    return (
        applied.bed_type is not before.bed_type
        or applied.name != before.name
        or applied.reserved_for_referrals != before.reserved_for_referrals
    )


def _failed_rules(state: Ward, applied: WardApplied) -> tuple[FailedRule, ...]:
    in_use = [bed.id for bed in state.beds if bed.state in IN_USE]
    kept = [bed for bed in in_use if bed in applied.removed_beds]
    rules = []
    if kept:
        rules.append(failed("BEDS_IN_USE", beds=", ".join(kept)))
    # A bed was promised with its type; a ward that becomes another kind would break the promise.
    if applied.bed_type is not state.bed_type and in_use:
        rules.append(failed("BED_TYPE_IN_USE", beds=", ".join(in_use)))
    return tuple(rules)


def apply_ward(state: Ward | None, command: ApplyWard) -> tuple[WardApplied, ...]:
    """Raises InvalidInput, and NotAllowed: WARD_OF_OTHER_FACILITY, BEDS_IN_USE, BED_TYPE_IN_USE."""
    violations = (*_facility_violations(command.facility), *_ward_violations(command.ward, "ward"))
    if violations:
        raise InvalidInput(*violations)
    if state is not None and state.facility != command.facility:
        # All that another facility learns of the ward is that its id is taken.
        raise NotAllowed(
            state="TAKEN",
            allowed_commands=(),
            failed_rules=(failed("WARD_OF_OTHER_FACILITY", ward=state.id),),
            resource_name=stream_id(state.id),
        )
    applied = difference(state, command)
    if applied is None:
        return ()
    if state is not None and (rules := _failed_rules(state, applied)):
        raise refused_for_ward(state, rules)
    return (applied,)
