"""What a record holds, what it lacks, and what it is after a completion."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import Any, TypeVar

from services.referral.domain.record_rules import DIAGNOSES, VISIT_NUMBER, RecordRules
from services.referral.domain.record_values import Coding, SummaryCompletion, TransferRecord
from services.referral.domain.referral_values import ClinicalSummary
from services.referral.domain.values import Direction

T = TypeVar("T")


def missing_elements(
    record: TransferRecord | None, summary: ClinicalSummary, direction: Direction, rules: RecordRules
) -> tuple[str, ...]:
    """The elements that the rules ask for and that are not there, as paths in the request."""
    asked = rules.elements_down if direction is Direction.DOWN else rules.elements_up
    return absent(asked, record, summary)


def absent(
    elements: tuple[str, ...], record: TransferRecord | None, summary: ClinicalSummary
) -> tuple[str, ...]:
    """Those of the elements that are not there. Raises AttributeError for an element that nothing has."""
    present = record or TransferRecord()
    return tuple([element for element in elements if not _holds(element, present, summary)])


def _holds(element: str, record: TransferRecord, summary: ClinicalSummary) -> bool:
    if element == VISIT_NUMBER:
        return bool(record.outpatient_number.strip() or record.inpatient_number.strip())
    if element == DIAGNOSES:
        return any(each.diagnosed_on and each.facility_name.strip() for each in record.diagnoses)
    part, _, name = element.partition(".")
    value = getattr(record if part == "record" else summary, name)
    return bool(value.strip() if isinstance(value, str) else value)


def completed_record(before: TransferRecord | None, given: TransferRecord | None) -> TransferRecord | None:
    """The record with what was given; what was left out stays, entries of lists are added."""
    if before is None or given is None:
        return given or before
    return _overlaid(before, given)


def completed_summary(before: ClinicalSummary, given: SummaryCompletion | None) -> ClinicalSummary:
    """The summary with what was given; what was left out stays."""
    if given is None:
        return before
    changes = {each.name: getattr(given, each.name) for each in fields(given)}
    return replace(before, **{name: value for name, value in changes.items() if not _empty(value)})


def replaced_elements(
    record: TransferRecord | None,
    summary: ClinicalSummary,
    given: TransferRecord | None,
    given_summary: SummaryCompletion | None,
) -> tuple[str, ...]:
    """Paths of what is there already and would become something else."""
    found: list[str] = []
    if record is not None and given is not None:
        found.extend(_replaced(record, given, "record"))
    if given_summary is not None:
        found.extend(_replaced(summary, given_summary, "clinical_summary"))
    return tuple(found)


def carried_over(record: TransferRecord | None) -> TransferRecord | None:
    """What a referral that continues another begins with: what is the patient's, not the move's."""
    if record is None:
        return None
    return TransferRecord(
        sex=record.sex,
        disease_history=record.disease_history,
        operation_history=record.operation_history,
        diagnoses=record.diagnoses,
        procedures=record.procedures,
        insurance_type=record.insurance_type,
    )


def texts_of(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every text in a value that says something, with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, tuple):
        for index, each in enumerate(value):
            yield from texts_of(each, f"{path}[{index}]")
    else:
        for name in _names(value.__class__):
            # Most of a record is empty: what says nothing is not walked into.
            if inner := getattr(value, name):
                yield from texts_of(inner, f"{path}.{name}")


@cache
def _names(value_type: type) -> tuple[str, ...]:
    """The fields of a data class, none of anything else. Asked for with every command, hence kept."""
    return tuple([each.name for each in fields(value_type)]) if is_dataclass(value_type) else ()


def _empty(value: Any) -> bool:
    """Nothing was said; a zero is a value."""
    return value is None or value is False or value in ("", ())


def _overlaid(before: T, given: T) -> T:
    changes: dict[str, Any] = {}
    for each in fields(given):  # type: ignore[arg-type]
        old, new = getattr(before, each.name), getattr(given, each.name)
        if _empty(new):
            continue
        if isinstance(new, tuple):
            changes[each.name] = (*old, *[entry for entry in new if entry not in old])
        elif _nested(old) and _nested(new):
            changes[each.name] = _overlaid(old, new)
        else:
            changes[each.name] = new
    return replace(before, **changes)  # type: ignore[type-var]


def _replaced(before: Any, given: Any, path: str) -> Iterator[str]:
    for each in fields(given):
        old, new = getattr(before, each.name), getattr(given, each.name)
        where = f"{path}.{each.name}"
        if _empty(old) or _empty(new) or isinstance(new, tuple):
            continue
        if _nested(old):
            yield from _replaced(old, new, where)
        elif old != new:
            yield where


def _nested(value: Any) -> bool:
    """A code is given whole: another code with the old one's name means nothing."""
    return is_dataclass(value) and not isinstance(value, Coding)
