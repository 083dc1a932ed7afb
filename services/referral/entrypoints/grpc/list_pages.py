"""Page tokens of lists: places by the latest change, or by creation."""

from services.referral.application.listing import Creation, Place
from services.shared.rpc.paging import bad_token, page_token, position_number, position_text


def place_of(token: str, *, bound_to: bytes, by_creation: bool = False) -> Place | None:
    """Where a list goes on. Raises InvalidInput for a token that is not of this list."""
    if not by_creation:
        return position_number(token, bound_to=bound_to)
    text = position_text(token, bound_to=bound_to)
    if text is None:
        return None
    try:
        return Creation.parse(text)
    except ValueError as error:
        raise bad_token() from error


def next_token(place: Place | None, *, bound_to: bytes) -> str:
    """The token to go on after a place; empty when there is no more."""
    return page_token(None if place is None else str(place), bound_to=bound_to)
