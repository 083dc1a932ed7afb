"""What is wrong in the data of particular pathways: out of range, or impossible together."""

from collections.abc import Iterator
from itertools import combinations_with_replacement

from services.referral.domain.record_rules import RecordRules
from services.referral.domain.record_values import (
    GestationalAge,
    MaternalData,
    NeonatalData,
    PathwayData,
)
from services.shared.kernel.refusals import FieldViolation

_PATH = "record.pathway_data"

#: Ranges of whole numbers, by part and field.
_RANGES: dict[str, dict[str, tuple[int, int]]] = {
    "stroke": {"rankin_before": (0, 5)},
    "chest_pain": {"killip_class": (1, 4)},
    "maternal": {"gravidity": (1, 30), "parity": (0, 30)},
    "neonatal": {
        "birth_weight_grams": (200, 8_000),
        "current_weight_grams": (200, 15_000),
        "age_hours": (0, 2_400),
        "apgar_1_minute": (0, 10),
        "apgar_5_minutes": (0, 10),
        "apgar_10_minutes": (0, 10),
    },
    "critical_care": {"sofa_score": (0, 24)},
}

#: Injury Severity Score: the sum of the squares of the three worst regions' Abbreviated Injury Scale, 0 to 5;
#: an injury of 6 makes it 75 by definition. Not every number up to 75 is such a sum.
INJURY_SCORES = frozenset(
    {sum(grade * grade for grade in worst) for worst in combinations_with_replacement(range(6), 3)}
)

#: A Barthel index is counted in steps of 5.
BARTHEL_INDICES = range(0, 101, 5)

#: Completed weeks that a pregnancy can be dated at, and that a newborn can be born at.
_WEEKS_PREGNANT = (3, 45)
_WEEKS_AT_BIRTH = (20, 45)
_DAYS_MAX = 6


def pathway_faults(data: PathwayData, male: bool, rules: RecordRules) -> list[FieldViolation]:
    """Every wrong field; whichever pathway the referral is on. `male`: the patient is said to be a man."""
    found = list(_ranges(data))
    trauma, rehabilitation = data.trauma, data.rehabilitation
    if trauma is not None and trauma.injury_severity_score not in {None, *INJURY_SCORES}:
        found.append(_fault("trauma.injury_severity_score", "IMPOSSIBLE_SCORE", "is no sum of squares"))
    if rehabilitation is not None and rehabilitation.barthel_index not in {None, *BARTHEL_INDICES}:
        found.append(_fault("rehabilitation.barthel_index", "IMPOSSIBLE_SCORE", "is no step of 5 up to 100"))
    if data.maternal is not None:
        found.extend(_maternal(data.maternal, male, rules))
    if data.neonatal is not None:
        found.extend(_neonatal(data.neonatal))
    return found


def _ranges(data: PathwayData) -> Iterator[FieldViolation]:
    for part, ranges in _RANGES.items():
        values = getattr(data, part)
        for name, (least, most) in ranges.items():
            value = None if values is None else getattr(values, name)
            if value is not None and not least <= value <= most:
                yield _fault(f"{part}.{name}", "OUT_OF_RANGE", f"must be from {least} to {most}")


def _maternal(data: MaternalData, male: bool, rules: RecordRules) -> Iterator[FieldViolation]:
    if male:
        yield _fault("maternal", "CONTRADICTION", "is of a pregnancy, and the patient is a man")
    colours = [colour.code for colour in rules.maternal_colours]
    if data.risk_colour and data.risk_colour not in colours:
        yield _fault("maternal.risk_colour", "UNKNOWN_COLOUR", f"must be one of {', '.join(colours)}")
    if data.gestational_age is not None:
        yield from _age(data.gestational_age, "maternal.gestational_age", _WEEKS_PREGNANT)
    if data.gravidity is not None and data.parity is not None and data.parity > data.gravidity:
        yield _fault("maternal.parity", "CONTRADICTION", "is more than the pregnancies")


def _neonatal(data: NeonatalData) -> Iterator[FieldViolation]:
    if data.gestational_age_at_birth is not None:
        yield from _age(data.gestational_age_at_birth, "neonatal.gestational_age_at_birth", _WEEKS_AT_BIRTH)


def _age(age: GestationalAge, field: str, weeks: tuple[int, int]) -> Iterator[FieldViolation]:
    least, most = weeks
    if not least <= age.weeks <= most:
        yield _fault(f"{field}.weeks", "OUT_OF_RANGE", f"must be from {least} to {most}")
    if not 0 <= age.days <= _DAYS_MAX:
        yield _fault(f"{field}.days", "OUT_OF_RANGE", f"must be from 0 to {_DAYS_MAX}")


def _fault(field: str, reason: str, description: str) -> FieldViolation:
    return FieldViolation(field=f"{_PATH}.{field}", reason=reason, description=description)
