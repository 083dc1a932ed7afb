"""Events of a standing order: past tense, with absolute times and everything that a fold needs."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias, get_args

from services.referral.domain.standing_values import StandingPlan, Suspension, Visit, VisitAsker
from services.referral.domain.values import CodedReason, Pathway, Urgency


@dataclass(frozen=True, kw_only=True, slots=True)
class StandingScheduled:
    referral: str
    episode: str
    patient: str
    origin_facility: str
    #: of the visits
    facility: str
    pathway: Pathway
    urgency: Urgency
    plan: StandingPlan
    #: of the next weeks
    visits: tuple[Visit, ...] = ()
    #: when more visits are to be made; None when these are all
    schedule_at: datetime | None = None
    #: YYYY-MM-DD: visits are made up to this day
    scheduled_until: str
    #: when its last day is over
    ends_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitsScheduled:
    visits: tuple[Visit, ...] = ()
    schedule_at: datetime | None = None
    scheduled_until: str


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitAttended:
    visit: str
    facility: str
    attended_at: datetime
    note: str = ""
    #: it had counted as missed
    recorded_late: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitMissed:
    visit: str
    facility: str
    starts_at: datetime
    reason: CodedReason | None = None
    by_deadline: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitsMissedInARow:
    """An alert: the patient did not come again and again."""

    facility: str
    origin_facility: str
    #: the latest last
    visits: tuple[str, ...]
    #: beginning of the first and of the last of them
    first_starts_at: datetime
    last_starts_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitMoved:
    visit: str
    #: takes its place, or makes good for it when it was missed
    new_visit: Visit
    reason: CodedReason
    asked_by: VisitAsker


@dataclass(frozen=True, kw_only=True, slots=True)
class StandingSuspended:
    suspension: Suspension
    #: visits of those days
    cancelled: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class StandingResumed:
    #: YYYY-MM-DD, the first day with visits again
    from_on: str
    #: YYYY-MM-DD, the last day without
    suspended_until: str
    visits: tuple[Visit, ...] = ()
    schedule_at: datetime | None = None
    scheduled_until: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StandingEnded:
    reason: CodedReason
    #: visits that were still to come
    cancelled: tuple[str, ...] = ()
    #: its referral ended, or has another destination
    with_referral: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class StandingCompleted:
    """Its last day is over."""


StandingEvent: TypeAlias = (
    StandingScheduled
    | VisitsScheduled
    | VisitAttended
    | VisitMissed
    | VisitsMissedInARow
    | VisitMoved
    | StandingSuspended
    | StandingResumed
    | StandingEnded
    | StandingCompleted
)

EVENTS: tuple[type[StandingEvent], ...] = get_args(StandingEvent)
