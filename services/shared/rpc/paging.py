"""Pages of a list: bounded, with an opaque token (AIP-158)."""

import base64
import binascii

from services.shared.kernel.refusals import FieldViolation, InvalidInput

PAGE_SIZE_DEFAULT = 50
PAGE_SIZE_MAX = 1000

_PREFIX = b"p1:"


def page_size(asked: int) -> int:
    """How many to give: the default when 0 is asked, never more than the bound."""
    return min(asked or PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX)


def page_token(position: int | str | None) -> str:
    """The token to go on after `position`; empty when there is no more."""
    if position is None:
        return ""
    return base64.urlsafe_b64encode(_PREFIX + str(position).encode()).decode().rstrip("=")


def position_text(token: str) -> str | None:
    """What the token holds, None when there is none. Raises InvalidInput for a token that is not ours."""
    if not token:
        return None
    try:
        decoded = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        if decoded.startswith(_PREFIX):
            return decoded.removeprefix(_PREFIX).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        pass
    raise _bad_token()


def position_number(token: str) -> int | None:
    """As `position_text`, for positions that are numbers."""
    text = position_text(token)
    if text is None:
        return None
    try:
        return int(text)
    except ValueError as error:
        raise _bad_token() from error


def _bad_token() -> InvalidInput:
    return InvalidInput(
        FieldViolation(
            field="page_token", reason="PAGE_TOKEN", description="is not a token of an earlier answer"
        )
    )
