"""Pages of a list: bounded, with an opaque token (AIP-158)."""

import base64
import binascii
from hashlib import sha256

from google.protobuf.message import Message

from services.shared.kernel.refusals import FieldViolation, InvalidInput

PAGE_SIZE_DEFAULT = 50
PAGE_SIZE_MAX = 1000

_PREFIX = b"p1:"
_DIGEST_BYTES = 9


def page_size(asked: int) -> int:
    """How many to give: the default when 0 is asked, never more than the bound."""
    return min(asked or PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX)


def list_digest(request: Message) -> bytes:
    """What a list's tokens are bound to: all that the request asks for but the page and its size.

    A token of another filter would go on in the middle of a list that was never begun.
    """
    asked = type(request)()
    asked.CopyFrom(request)
    for field in ("page_size", "page_token"):
        asked.ClearField(field)
    name = request.DESCRIPTOR.full_name.encode()
    return sha256(name + asked.SerializeToString(deterministic=True)).digest()[:_DIGEST_BYTES]


def page_token(position: int | str | None, *, bound_to: bytes = b"") -> str:
    """The token to go on after `position`; empty when there is no more."""
    if position is None:
        return ""
    return base64.urlsafe_b64encode(bound_to + _PREFIX + str(position).encode()).decode().rstrip("=")


def position_text(token: str, *, bound_to: bytes = b"") -> str | None:
    """What the token holds, None when there is none.

    Raises InvalidInput for a token that is not ours, or not of this list.
    """
    if not token:
        return None
    try:
        decoded = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        if decoded.startswith(bound_to + _PREFIX):
            return decoded.removeprefix(bound_to + _PREFIX).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        pass
    raise bad_token()


def position_number(token: str, *, bound_to: bytes = b"") -> int | None:
    """As `position_text`, for positions that are numbers."""
    text = position_text(token, bound_to=bound_to)
    if text is None:
        return None
    try:
        return int(text)
    except ValueError as error:
        raise bad_token() from error


def bad_token() -> InvalidInput:
    """The refusal of a token that is not ours, or not of this list."""
    return InvalidInput(
        FieldViolation(
            field="page_token",
            reason="PAGE_TOKEN",
            description="is not a token of an earlier answer to the same request",
        )
    )
