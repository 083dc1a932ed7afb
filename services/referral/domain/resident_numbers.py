"""Resident identity numbers (GB 11643-1999): what they say, and where they stand in a text."""

import re
from collections.abc import Iterator
from datetime import date

#: GB 11643-1999: weights 2^(17-i) mod 11, and the check digit by the sum's remainder.
_RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
RESIDENT_LENGTH = 18
_RESIDENT_CHECKS = "10X98765432"
_RESIDENT = re.compile(r"[1-9]\d{5}(?:18|19|20)\d{9}[\dXx]", re.ASCII)
_RESIDENT_IN_TEXT = re.compile(rf"(?<![0-9A-Za-z])(?:{_RESIDENT.pattern})(?![0-9A-Za-z])", re.ASCII)


def is_resident_number(number: str) -> bool:
    """Whether it is a resident identity number: 18 characters, a day of birth, and the check digit."""
    if _RESIDENT.fullmatch(number) is None or resident_birth_day(number) is None:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(number[:17], _RESIDENT_WEIGHTS, strict=True))
    return number[17].upper() == _RESIDENT_CHECKS[total % 11]


def resident_birth_day(number: str) -> date | None:
    """The day of birth in a resident identity number; None when no calendar has it."""
    try:
        return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return None


def resident_numbers_in(text: str) -> Iterator[str]:
    """Every resident identity number that stands in a text."""
    for found in _RESIDENT_IN_TEXT.finditer(text):
        if is_resident_number(found.group()):
            yield found.group()
