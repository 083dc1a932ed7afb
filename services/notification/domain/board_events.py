"""Events of a facility's boards, with the fields of `board_events.proto`."""

from dataclasses import dataclass
from datetime import datetime

from services.notification.domain.values import CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class BoardAppeared:
    """A board shows the facility's alerts, the first or again after an outage."""

    facility: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BoardLost:
    """No board of the facility has given a sign of life for longer than the limit."""

    facility: str
    #: None where there never was one
    last_seen_at: datetime | None
    #: the alert that it is
    alert: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BoardWithdrawn:
    """A person took the facility's boards down: none is expected."""

    facility: str
    reason: CodedReason | None
