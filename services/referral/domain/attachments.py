"""Attachments: references to what lies elsewhere. An event never carries bytes."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from services.shared.kernel.refusals import FieldViolation

#: scheme, then what it names (RFC 3986); no blanks
_URI = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?P<rest>[^\s]+)")
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*(;[^\r\n]*)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Attachment:
    """Something that lies elsewhere: an event never carries its bytes."""

    uri: str
    media_type: str
    #: lower-case hexadecimal
    sha256: str
    size_bytes: int = 0


def attachment_faults(
    attachments: tuple[Attachment, ...], schemes: Collection[str], path: str = "attachments"
) -> Iterator[FieldViolation]:
    """An attachment lies elsewhere: a reference of an allowed scheme, without bytes or credentials in it."""
    seen: set[str] = set()
    for index, attachment in enumerate(attachments):
        where = f"{path}[{index}]"
        found = _URI.fullmatch(attachment.uri)
        if found is None:
            yield _fault(f"{where}.uri", "MALFORMED", "is no absolute URI")
        elif found["scheme"].lower() not in schemes:
            yield _fault(f"{where}.uri", "SCHEME", "attachments may not lie under this scheme here")
        elif _has_credentials(found["rest"]):
            yield _fault(f"{where}.uri", "CREDENTIALS", "must not carry a user name or password")
        if _MEDIA_TYPE.fullmatch(attachment.media_type) is None:
            yield _fault(f"{where}.media_type", "MALFORMED", "is no media type such as application/dicom")
        if attachment.uri in seen:
            yield _fault(f"{where}.uri", "DUPLICATE", "is attached twice")
        seen.add(attachment.uri)


def _has_credentials(rest: str) -> bool:
    authority = rest[2:].partition("/")[0] if rest.startswith("//") else ""
    return "@" in authority


def _fault(field: str, reason: str, description: str) -> FieldViolation:
    return FieldViolation(field=field, reason=reason, description=description)
