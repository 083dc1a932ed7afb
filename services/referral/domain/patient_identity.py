"""Who a patient is: kept apart from every referral.

Values of these classes are never shown by `repr`, so that no log line and no exception has them. No fault
quotes a value, for the same reason.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from services.referral.domain.pseudonyms import pseudonym_faults
from services.referral.domain.resident_numbers import is_resident_number, resident_birth_day
from services.shared.kernel.refusals import FieldViolation


class IdentityDocument(StrEnum):
    """Kinds of identity document."""

    #: 居民身份证, checked by GB 11643
    RESIDENT_ID = "RESIDENT_ID"
    #: 居民户口簿
    HOUSEHOLD_REGISTER = "HOUSEHOLD_REGISTER"
    #: 护照
    PASSPORT = "PASSPORT"
    #: 军官证
    MILITARY = "MILITARY"
    #: 港澳居民来往内地通行证
    HK_MACAO_PERMIT = "HK_MACAO_PERMIT"
    #: 台湾居民来往内地通行证
    TAIWAN_PERMIT = "TAIWAN_PERMIT"
    #: 出生医学证明
    BIRTH_CERTIFICATE = "BIRTH_CERTIFICATE"
    #: 外国人永久居留身份证
    FOREIGN_RESIDENCE = "FOREIGN_RESIDENCE"
    OTHER = "OTHER"


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Guardian:
    """Who answers for a patient that cannot."""

    name: str
    relation: str
    telephone: str = ""
    document_type: IdentityDocument | None = None
    document_number: str = ""

    def __repr__(self) -> str:
        return "Guardian(…)"


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class IdentityDetails:
    """What identifies a patient."""

    name: str
    #: YYYY-MM-DD
    birth_date: str = ""
    health_card_number: str = ""
    document_type: IdentityDocument | None = None
    document_number: str = ""
    telephone: str = ""
    address: str = ""
    insurance_number: str = ""
    guardian: Guardian | None = None

    def __repr__(self) -> str:
        return "IdentityDetails(…)"


@dataclass(frozen=True, kw_only=True, slots=True)
class PatientIdentity:
    """One version of who a patient is."""

    #: pseudonym
    patient: str
    version: int
    details: IdentityDetails
    recorded_at: datetime
    #: user
    recorded_by: str
    facility: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordIdentity:
    """Replaces all that was recorded before."""

    patient: str
    details: IdentityDetails


def record_faults(command: RecordIdentity, today: date) -> list[FieldViolation]:
    """Every wrong field, as paths in the request."""
    return [*pseudonym_faults(command.patient), *identity_faults(command.details, today)]


def identity_faults(details: IdentityDetails, today: date) -> list[FieldViolation]:
    """Every wrong field of the details, as paths in the request."""
    found = list(_document(details, "details"))
    if not details.name.strip():
        found.append(_fault("details.name", "REQUIRED", "is needed"))
    if details.birth_date:
        found.extend(_birth_date(details, today))
    if details.guardian is not None:
        found.extend(_document(details.guardian, "details.guardian"))
        if not details.guardian.name.strip():
            found.append(_fault("details.guardian.name", "REQUIRED", "is needed"))
    return found


def _document(holder: IdentityDetails | Guardian, path: str) -> Iterator[FieldViolation]:
    if holder.document_number and holder.document_type is None:
        yield _fault(f"{path}.document_type", "REQUIRED", "is needed with a number")
    if holder.document_type is not None and not holder.document_number.strip():
        yield _fault(f"{path}.document_number", "REQUIRED", "is needed with a document")
    resident = holder.document_type is IdentityDocument.RESIDENT_ID
    if resident and holder.document_number and not is_resident_number(holder.document_number):
        yield _fault(
            f"{path}.document_number", "NOT_A_RESIDENT_ID", "has not the form or check digit of GB 11643"
        )


def _birth_date(details: IdentityDetails, today: date) -> Iterator[FieldViolation]:
    try:
        born = date.fromisoformat(details.birth_date)
    except ValueError:
        yield _fault("details.birth_date", "INVALID_DATE", "is no calendar day")
        return
    if born > today:
        yield _fault("details.birth_date", "IN_FUTURE", "lies in the future")
    number = details.document_number
    resident = details.document_type is IdentityDocument.RESIDENT_ID and is_resident_number(number)
    if resident and resident_birth_day(number) != born:
        yield _fault("details.birth_date", "CONTRADICTION", "is not the identity number's")


def _fault(field: str, reason: str, description: str) -> FieldViolation:
    return FieldViolation(field=field, reason=reason, description=description)
