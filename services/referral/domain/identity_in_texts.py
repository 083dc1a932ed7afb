"""Whether a command says who the patient is: its texts become events, which go to everybody who listens."""

from services.referral.domain.record_contents import texts_of
from services.referral.domain.resident_numbers import RESIDENT_LENGTH, resident_numbers_in
from services.shared.kernel.refusals import FieldViolation, InvalidInput


def refuse_identities(command: object) -> None:
    """Raises InvalidInput naming every text with an identity number: events are read by many."""
    faults = identity_in_texts(command)
    if faults:
        raise InvalidInput(*faults)


def identity_in_texts(command: object) -> list[FieldViolation]:
    """Every text of a command with a resident identity number in it; the number is not quoted."""
    return [
        FieldViolation(
            field=path.removeprefix("."),
            reason="IDENTITY_IN_TEXT",
            description="has an identity number in it, which is kept apart",
        )
        for path, text in texts_of(command, "")
        if len(text) >= RESIDENT_LENGTH and next(resident_numbers_in(text), None) is not None
    ]
