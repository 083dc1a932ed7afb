"""Events of drills and of their daily plan, with the fields of `drill_events.proto`."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class DrillStarted:
    """A silent test alert is on the boards."""

    facility: str
    centre: str
    #: by the daily plan, not by a person
    scheduled: bool
    answer_by: datetime
    #: the test alert
    alert: str
    #: no board of the facility was live
    without_board: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class DrillAnswered:
    """Somebody acknowledged the test alert; the metadata says who and when."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DrillMissed:
    """Nobody answered in time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DrillNotHeld:
    """The platform was away when it was to begin, for too long to begin it late."""

    facility: str
    centre: str
    due_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class DrillClosed:
    """Its alert was taken off the boards."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DrillPlanned:
    """When the centre's next daily drill begins."""

    facility: str
    centre: str
    next_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class DrillPlanEnded:
    """The facility has the centre no longer, or drills are off."""
