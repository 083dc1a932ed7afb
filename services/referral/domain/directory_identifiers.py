"""Identifiers of facilities: how long each scheme's are, and the check character where it has one."""

import re

from services.referral.domain.directory_entries import FacilityIdentifier, IdentifierScheme

_FORMS = {
    IdentifierScheme.WS218: (re.compile(r"[0-9A-Z-]{10}"), "10 digits or capital letters"),
    IdentifierScheme.LICENCE: (re.compile(r"[0-9A-Z-]{22}"), "22 digits or capital letters"),
    IdentifierScheme.CREDIT_CODE: (
        re.compile(r"[0-9A-HJ-NP-RTUW-Y]{18}"),
        "18 digits or capital letters without I, O, S, V and Z",
    ),
}
#: GB 32100-2015: the values of the characters are their places here, the weights the powers of 3 modulo 31.
_CREDIT_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_MODULUS = 31
_CREDIT_BASE = 3


def identifier_fault(identifier: FacilityIdentifier) -> str:
    """Why it is no identifier of its scheme; empty when it is one."""
    form, words = _FORMS[identifier.scheme]
    if form.fullmatch(identifier.value) is None:
        return f"{identifier.scheme} {identifier.value} must have {words}"
    if identifier.scheme is IdentifierScheme.CREDIT_CODE:
        check = credit_check_character(identifier.value[:-1])
        if identifier.value[-1] != check:
            return f"{identifier.scheme} {identifier.value} must end with its check character {check}"
    return ""


def credit_check_character(body: str) -> str:
    """The eighteenth character of a credit code, for its first seventeen (GB 32100-2015)."""
    total = sum(
        _CREDIT_CHARACTERS.index(character) * pow(_CREDIT_BASE, place, _CREDIT_MODULUS)
        for place, character in enumerate(body)
    )
    return _CREDIT_CHARACTERS[-total % _CREDIT_MODULUS]


def identifies_one(identifier: FacilityIdentifier) -> bool:
    """Whether no other facility may have it; campuses of one legal person share a credit code."""
    return identifier.scheme is not IdentifierScheme.CREDIT_CODE
