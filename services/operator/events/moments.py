"""Moments as operators type them."""

import re
from datetime import datetime, timedelta

_AGO = re.compile(r"(\d{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class BadMoment(ValueError):
    """A text that is no moment."""


def read_moment(text: str, *, now: datetime) -> datetime:
    """`15m` (ago), `2026-11-22`, `2026-11-22T03:10` or with an offset; without one, in `now`'s time zone.

    Raises BadMoment.
    """
    ago = _AGO.fullmatch(text)
    if ago:
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadMoment(f"{text}: 2026-11-22T03:10, 2026-11-22T03:10+08:00, 15m, 2h, 3d") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo)
