"""Events of steps after acceptance that are late, or expected at another time. Nothing is cancelled.

Each limit that was reached says when people are reminded next: None after the last time.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from services.referral.domain.values import BedType


@dataclass(frozen=True, kw_only=True, slots=True)
class DepartureOverdue:
    """Accepted, and the patient has not departed."""

    #: the origin
    facility: str
    due_at: datetime
    #: not the first reminder
    again: bool = False
    next_due_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ArrivalOverdue:
    """On the road longer than expected."""

    facility: str
    estimated_arrival_time: datetime
    #: None in events of before there were reminders
    due_at: datetime | None = None
    again: bool = False
    next_due_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class NoShowUnresolved:
    """The patient did not come, and nobody has arranged anew or cancelled."""

    #: the origin
    facility: str
    due_at: datetime
    again: bool = False
    next_due_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TreatmentStartOverdue:
    """The patient is there, and no treatment was started."""

    facility: str
    due_at: datetime
    again: bool = False
    next_due_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TreatmentOverdue:
    """A treatment was started, and no outcome was reported."""

    facility: str
    due_at: datetime
    again: bool = False
    next_due_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class BedAnswerOverdue:
    """A bed was asked for, and the bed service has not answered."""

    #: the destination
    facility: str
    due_at: datetime
    bed_type: BedType | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ArrivalEstimateChanged:
    #: the destination
    facility: str
    previous_arrival_time: datetime | None = None
    estimated_arrival_time: datetime
    hold_until: datetime
    #: of the arrival or, before the departure, of the departure
    next_due_at: datetime


StepOverdue: TypeAlias = (
    DepartureOverdue | ArrivalOverdue | NoShowUnresolved | TreatmentStartOverdue | TreatmentOverdue
)
StepEvent: TypeAlias = StepOverdue | BedAnswerOverdue | ArrivalEstimateChanged
