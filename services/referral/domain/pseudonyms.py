"""What a pseudonym may look like: it names a patient to machines and says nothing of who that is.

Every event carries it, and events go to everybody who listens: a name, or words beside a number, must not get
in by this field (GB/T 35273-2020: de-identification by substitution, apart from what identifies).
"""

import re

from services.shared.kernel.refusals import FieldViolation

_OPAQUE = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


def pseudonym_faults(patient: str, field: str = "patient") -> list[FieldViolation]:
    """The fault of a pseudonym with anything but letters, digits, hyphen, dot and underscore, at most 64."""
    if _OPAQUE.fullmatch(patient):
        return []
    description = "is a pseudonym: 1 to 64 letters, digits, hyphens, dots or underscores"
    return [FieldViolation(field=field, reason="NOT_A_PSEUDONYM", description=description)]
