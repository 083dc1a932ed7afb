"""Events of the boards of a facility or centre, with the fields of `board_events.proto`.

Without a centre they are of the facility: so are all that were stored before centres had boards of their own.
"""

from dataclasses import dataclass
from datetime import datetime

from services.notification.domain.values import CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class BoardAppeared:
    """A board shows its alerts, the first or again after an outage."""

    facility: str
    centre: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class BoardLost:
    """None has given a sign of life for longer than the limit."""

    facility: str
    #: None where there never was one
    last_seen_at: datetime | None
    #: the alert that it is
    alert: str
    centre: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class BoardWithdrawn:
    """A person took the boards down: none is expected."""

    facility: str
    reason: CodedReason | None
    centre: str = ""
