"""What a pseudonym may look like: it names a patient to machines and says nothing of who that is.

A hospital's own system sends what it has; a name or a telephone number must not become an event by this field
(GB/T 35273-2020: de-identification by substitution, apart from what identifies).
"""

import re

from services.shared.kernel.refusals import FieldViolation

_OPAQUE = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


def pseudonym_faults(patient: str) -> list[FieldViolation]:
    """The fault of a pseudonym with anything but letters, digits, hyphen, dot and underscore, at most 64."""
    if _OPAQUE.fullmatch(patient):
        return []
    description = "is a pseudonym: 1 to 64 letters, digits, hyphens, dots or underscores"
    return [FieldViolation(field="patient", reason="NOT_A_PSEUDONYM", description=description)]
