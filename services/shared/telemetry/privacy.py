"""What a log line may never hold: credentials, and what identifies a patient.

Two nets, because neither is enough: fields are dropped by name before a line is rendered, and the rendered
line is searched for what slipped into a text, such as a database error that quotes the row.
"""

import re
from collections.abc import Mapping
from typing import Any

DROPPED = "[dropped]"

#: Field names whose values are dropped, in any letter case, at any depth.
PRIVATE_FIELDS = frozenset(
    {
        "access_token",
        "authorization",
        "bearer",
        "birth_date",
        "cookie",
        "date_of_birth",
        "document_number",
        "health_card_number",
        "home_address",
        "id_card",
        "identity_number",
        "insurance_number",
        "mobile",
        "password",
        "patient_name",
        "phone",
        "private_key",
        "refresh_token",
        "secret",
        "telephone",
        "token",
    }
)

_DEPTH_MAX = 6
_LINE_LENGTH_MAX = 32_000

_PRIVATE_TEXT = re.compile(
    # A bearer token, or a JWT without the word.
    r"(?i:bearer)\s+[\w.~+/=-]{8,}|\beyJ[\w-]{8,}\.[\w-]{2,}\.[\w-]*"
    # A resident identity number: region, date of birth, sequence, check digit.
    r"|(?<![0-9A-Za-z])[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?![0-9A-Za-z])"
    # A mobile number of the mainland.
    r"|(?<![0-9A-Za-z])1[3-9]\d{9}(?![0-9A-Za-z])"
)


def without_private_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A copy with the values of private fields replaced, at any depth up to a bound.

    A protobuf message is replaced by its type's name: whole messages are where patients' fields hide.
    """
    return {key: _clean(key, value, _DEPTH_MAX) for key, value in fields.items()}


def without_private_text(line: str) -> str:
    """`line` with tokens, identity numbers and mobile numbers replaced, cut to a bounded length."""
    if len(line) > _LINE_LENGTH_MAX:
        line = f"{line[:_LINE_LENGTH_MAX]}… [{len(line) - _LINE_LENGTH_MAX} characters cut]"
    return _PRIVATE_TEXT.sub(DROPPED, line)


def _clean(key: str, value: Any, depth: int) -> Any:
    if key.lower() in PRIVATE_FIELDS or depth == 0:
        return DROPPED
    if hasattr(value, "DESCRIPTOR"):
        return f"<{value.DESCRIPTOR.full_name}>"
    if isinstance(value, Mapping):
        return {str(k): _clean(str(k), v, depth - 1) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean("", item, depth - 1) for item in value]
    return value
