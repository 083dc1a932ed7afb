"""Which bed a patient gets: one that may take them, made for them rather than wanted by others.

The order is declared, so that the same question always has the same answer: isolation beds last for those who
need none, then the bed with the narrowest constraints (a bed for anybody is kept for whom nothing else fits),
then the ward's own order. Among wards: the better bed, then the most free beds left, then the id.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.bed.domain.state import Ward
from services.bed.domain.values import Bed, BedConstraints, BedState, BedType, UnavailableReason

#: outweighs every narrowness
_ISOLATION_WASTED = 4
_NARROWEST = 2

# Looked up once, as in state.py: they are asked for at every bed.
_FREE, _ISOLATION = BedState.FREE, BedType.ISOLATION


class Request(Protocol):
    """What is asked for, and of whom: a hold, an entry of a waiting list, an admission."""

    @property
    def facility(self) -> str: ...
    @property
    def bed_type(self) -> BedType: ...
    @property
    def sex(self) -> str: ...
    @property
    def age_years(self) -> int | None: ...
    @property
    def isolation_needed(self) -> bool: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Needs:
    """A request that stands for nothing but itself."""

    facility: str
    bed_type: BedType
    sex: str = ""
    age_years: int | None = None
    isolation_needed: bool = False


def _age_fits(constraints: BedConstraints, age_years: int | None) -> bool:
    least, most = constraints.min_age_years, constraints.max_age_years
    if age_years is None:
        return False
    return (least is None or least <= age_years) and (most is None or age_years <= most)


def misfit(constraints: BedConstraints, bed_type: BedType, request: Request) -> int | None:
    """0 for a bed made for the patient, more the more others may need it; None when it cannot take them.

    Every bed of an ISOLATION ward is fit for isolation.
    """
    if constraints.sex and constraints.sex != request.sex:
        return None
    isolates = constraints.isolation or bed_type is _ISOLATION
    if request.isolation_needed and not isolates:
        return None
    by_age = constraints.min_age_years is not None or constraints.max_age_years is not None
    if by_age and not _age_fits(constraints, request.age_years):
        return None
    wasted = _ISOLATION_WASTED if isolates and not request.isolation_needed else 0
    return wasted + _NARROWEST - bool(constraints.sex) - by_age


def _serves(ward: Ward, request: Request) -> bool:
    return ward.facility == request.facility and ward.bed_type is request.bed_type


def _best(ward: Ward, request: Request) -> tuple[int, Bed] | None:
    if not _serves(ward, request):
        return None
    best: tuple[int, Bed] | None = None
    for bed in ward.beds:
        if bed.state is not _FREE:
            continue
        found = misfit(bed.constraints, ward.bed_type, request)
        if found is not None and (best is None or found < best[0]):
            best = (found, bed)
            if found == 0:
                break
    return best


def choose_bed(ward: Ward, request: Request) -> Bed | None:
    """The best fitting free bed; None when there is none, or the ward is another's or of another type."""
    best = _best(ward, request)
    return None if best is None else best[1]


def choose_ward(wards: Sequence[Ward], request: Request) -> Ward | None:
    """The facility's ward of the type to hold a bed in: best fit, then most slack; None when all are full."""
    ranked = [
        (best[0], -ward.counts.free, ward.id, ward)
        for ward in wards
        if (best := _best(ward, request)) is not None
    ]
    return min(ranked, key=lambda rank: rank[:3])[3] if ranked else None


def unavailable_reason(wards: Sequence[Ward], request: Request) -> UnavailableReason:
    """Why none of the wards has a bed: none that fits is free, or there is none that fits at all."""
    suitable = any(
        misfit(bed.constraints, ward.bed_type, request) is not None
        for ward in wards
        if _serves(ward, request)
        for bed in ward.beds
    )
    return UnavailableReason.NO_FREE_BED if suitable else UnavailableReason.NO_SUITABLE_WARD
