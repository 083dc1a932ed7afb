"""Whether a command says who the patient is: its texts become events, which go to everybody who listens.

A telephone number leads to a person as surely as an identity number does (GB/T 35273-2020, appendix A), so
both are kept apart. Where a field is for the telephone of staff, or for a code, none is looked for: a
hospital's own numbers may have eleven digits too.
"""

from services.referral.domain.mobile_numbers import MOBILE_LENGTH, has_mobile_number
from services.referral.domain.record_contents import texts_of
from services.referral.domain.resident_numbers import RESIDENT_LENGTH, resident_numbers_in
from services.shared.kernel.refusals import FieldViolation, InvalidInput

#: Fields that hold a code, an identifier or the telephone of staff, and no words.
_NO_WORDS = frozenset(
    {
        "consultation",
        "code",
        "diagnosis_code",
        "episode",
        "facility",
        "green_channel",
        "id",
        "inpatient_number",
        "insurance_filing_number",
        "item_code",
        "milestone",
        "origin_facility_code",
        "outpatient_number",
        "referral",
        "sample_id",
        "sha256",
        "study_uid",
        "system",
        "task",
        "telephone",
        "uri",
        "user",
        "version",
        "visit",
    }
)


def refuse_identities(command: object) -> None:
    """Raises InvalidInput naming every text with an identity or telephone number: events are read by many."""
    faults = identity_in_texts(command)
    if faults:
        raise InvalidInput(*faults)


def identity_in_texts(command: object) -> list[FieldViolation]:
    """Every text of a command with a resident identity number or a mobile number in it, neither quoted."""
    found: list[FieldViolation] = []
    for path, text in texts_of(command, ""):
        if len(text) < MOBILE_LENGTH:
            continue
        if len(text) >= RESIDENT_LENGTH and next(resident_numbers_in(text), None) is not None:
            found.append(
                _fault(path, "IDENTITY_IN_TEXT", "has an identity number in it, which is kept apart")
            )
        elif path.rpartition(".")[2] not in _NO_WORDS and has_mobile_number(text):
            found.append(
                _fault(path, "TELEPHONE_IN_TEXT", "has a telephone number in it, which is kept apart")
            )
    return found


def _fault(path: str, reason: str, description: str) -> FieldViolation:
    return FieldViolation(field=path.removeprefix("."), reason=reason, description=description)
