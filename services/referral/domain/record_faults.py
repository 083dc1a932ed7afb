"""What is wrong in a record: codes of other tables, days of no calendar, measurements of nobody.

The contract's ranges are asked again here, because a value may come by other ways than a request. Every fault
is named at once; none quotes the value, which may be a patient's.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from services.referral.domain.facility_codes import FACILITY_SYSTEM
from services.referral.domain.pathway_faults import pathway_faults
from services.referral.domain.record_rules import RecordRules
from services.referral.domain.record_values import Coding, TransferRecord, VitalSigns
from services.referral.domain.referral_values import ClinicalSummary
from services.shared.kernel.refusals import FieldViolation

SEX_SYSTEM = "GB/T 2261.1"
DIAGNOSIS_SYSTEM = "ICD-10"
PROCEDURE_SYSTEM = "ICD-9-CM-3"

#: Codes of GB/T 2261.1 by the letter of the clinical summary.
_SEX_CODES = {"M": "1", "F": "2"}

_FORMS: dict[str, Callable[[str], object]] = {
    SEX_SYSTEM: re.compile(r"[0129]").fullmatch,
    # With the national extensions, such as I63.902 or I63.900x003, dagger and asterisk.
    DIAGNOSIS_SYSTEM: re.compile(r"[A-Z][0-9]{2}(\.[0-9A-Za-z]{1,10})?[+*]?").fullmatch,
    PROCEDURE_SYSTEM: re.compile(r"[0-9]{2}(\.[0-9]{1,4}(x[0-9]{3})?)?").fullmatch,
    FACILITY_SYSTEM: re.compile(r"[0-9A-Z-]{10}").fullmatch,
}

#: Most entries of a list, also after completions (as in the contract).
LENGTHS_MAX = {
    "diagnoses": 30,
    "procedures": 30,
    "vital_signs": 50,
    "electrocardiograms": 20,
    "medications_given": 100,
    "pending_results": 50,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Today:
    """What is not in the future."""

    now: datetime
    #: of the site's calendar
    day: date

    def is_ahead(self, moment: datetime | None) -> bool:
        return moment is not None and moment > self.now


def record_faults(
    record: TransferRecord | None, summary: ClinicalSummary, today: Today, rules: RecordRules
) -> list[FieldViolation]:
    """Every wrong field of a record and its summary, as paths in the request."""
    found = list(_pressures(summary, "clinical_summary"))
    if record is None:
        return found
    found.extend(_codings(record))
    found.extend(_sexes(record, summary))
    found.extend(_times(record, today))
    found.extend(_lengths(record))
    for index, signs in enumerate(record.vital_signs):
        found.extend(_pressures(signs, f"record.vital_signs[{index}]"))
    if record.pathway_data is not None:
        found.extend(pathway_faults(record.pathway_data, is_male(record, summary), rules))
    return found


def is_male(record: TransferRecord, summary: ClinicalSummary) -> bool:
    """Whether the patient is said to be a man."""
    return summary.sex == "M" or (record.sex is not None and record.sex.code == _SEX_CODES["M"])


def fault(field: str, reason: str, description: str) -> FieldViolation:
    return FieldViolation(field=field, reason=reason, description=description)


def _codings(record: TransferRecord) -> Iterator[FieldViolation]:
    if record.sex is not None:
        yield from _coding(record.sex, "record.sex", SEX_SYSTEM)
    if record.origin_facility_code is not None:
        yield from _coding(record.origin_facility_code, "record.origin_facility_code", FACILITY_SYSTEM)
    for index, diagnosis in enumerate(record.diagnoses):
        yield from _coding(diagnosis.code, f"record.diagnoses[{index}].code", DIAGNOSIS_SYSTEM)
    for index, procedure in enumerate(record.procedures):
        yield from _coding(procedure.code, f"record.procedures[{index}].code", PROCEDURE_SYSTEM)


def _coding(coding: Coding, path: str, system: str) -> Iterator[FieldViolation]:
    if coding.system != system:
        yield fault(f"{path}.system", "WRONG_CODE_SYSTEM", f"must be {system}")
    elif not _FORMS[system](coding.code):
        yield fault(f"{path}.code", "WRONG_CODE_FORM", f"is no code of {system}")


def _sexes(record: TransferRecord, summary: ClinicalSummary) -> Iterator[FieldViolation]:
    if record.sex is None or not summary.sex or record.sex.code not in ("1", "2"):
        return
    if record.sex.code != _SEX_CODES[summary.sex]:
        yield fault("record.sex", "CONTRADICTION", "is not the clinical summary's")


def _times(record: TransferRecord, today: Today) -> Iterator[FieldViolation]:
    for index, diagnosis in enumerate(record.diagnoses):
        if diagnosis.diagnosed_on:
            path = f"record.diagnoses[{index}].diagnosed_on"
            yield from _day(diagnosis.diagnosed_on, path, today)
    moments = [
        (f"record.procedures[{i}].started_at", each.started_at) for i, each in enumerate(record.procedures)
    ]
    moments += [
        (f"record.vital_signs[{i}].measured_at", signs.measured_at)
        for i, signs in enumerate(record.vital_signs)
    ]
    moments += [
        (f"record.electrocardiograms[{i}].recorded_at", ecg.recorded_at)
        for i, ecg in enumerate(record.electrocardiograms)
    ]
    moments += [
        (f"record.medications_given[{i}].given_at", given.given_at)
        for i, given in enumerate(record.medications_given)
    ]
    moments += [
        (f"record.pending_results[{i}].sampled_at", result.sampled_at)
        for i, result in enumerate(record.pending_results)
    ]
    for path, moment in moments:
        if today.is_ahead(moment):
            yield fault(path, "IN_FUTURE", "lies in the future")
    for index, result in enumerate(record.pending_results):
        if result.sampled_at and result.expected_at and result.expected_at < result.sampled_at:
            path = f"record.pending_results[{index}].expected_at"
            yield fault(path, "CONTRADICTION", "is before the sample was taken")


def _day(day: str, path: str, today: Today) -> Iterator[FieldViolation]:
    try:
        found = date.fromisoformat(day)
    except ValueError:
        yield fault(path, "INVALID_DATE", "is no calendar day")
        return
    if found > today.day:
        yield fault(path, "IN_FUTURE", "lies in the future")


def _lengths(record: TransferRecord) -> Iterator[FieldViolation]:
    for name, length_max in LENGTHS_MAX.items():
        if len(getattr(record, name)) > length_max:
            yield fault(f"record.{name}", "TOO_MANY", f"has more than {length_max} entries")


def _pressures(measured: ClinicalSummary | VitalSigns, path: str) -> Iterator[FieldViolation]:
    systolic, diastolic = measured.systolic_mmhg, measured.diastolic_mmhg
    if systolic is not None and diastolic is not None and systolic and diastolic >= systolic:
        yield fault(f"{path}.diastolic_mmhg", "CONTRADICTION", "is not below the systolic pressure")
