"""The values that a standing order is made of. Names and fields are those of `tierlink.referral.v1`."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.referral.domain.values import CodedReason, Pathway

#: Pathways whose one referral means many visits.
STANDING_PATHWAYS = (Pathway.HEMODIALYSIS, Pathway.REHABILITATION, Pathway.DAY_SURGERY)


class StandingOrderState(StrEnum):
    """Where a standing order stands."""

    ACTIVE = "ACTIVE"
    #: until somebody resumes it: an admission, a journey
    SUSPENDED = "SUSPENDED"
    #: its last day is over
    COMPLETED = "COMPLETED"
    #: by somebody, or with its referral
    ENDED = "ENDED"


class VisitState(StrEnum):
    """Where one visit stands."""

    SCHEDULED = "SCHEDULED"
    ATTENDED = "ATTENDED"
    MISSED = "MISSED"
    #: another visit took its place
    MOVED = "MOVED"
    #: by a suspension or an end
    CANCELLED = "CANCELLED"


class Weekday(StrEnum):
    """In the order of `date.weekday`."""

    MONDAY = "MONDAY"
    TUESDAY = "TUESDAY"
    WEDNESDAY = "WEDNESDAY"
    THURSDAY = "THURSDAY"
    FRIDAY = "FRIDAY"
    SATURDAY = "SATURDAY"
    SUNDAY = "SUNDAY"


class VisitAsker(StrEnum):
    """Who asked for a visit to be moved."""

    PATIENT = "PATIENT"
    FAMILY = "FAMILY"
    #: the facility of the visits
    FACILITY = "FACILITY"
    #: the facility that referred
    ORIGIN = "ORIGIN"


@dataclass(frozen=True, kw_only=True, slots=True)
class StandingPlan:
    """When the patient comes: the same time of some days of every week."""

    weekdays: tuple[Weekday, ...]
    #: HH:MM in the site's time zone
    at: str
    #: YYYY-MM-DD
    starts_on: str
    #: YYYY-MM-DD, the last day
    ends_on: str
    #: of one visit
    duration_minutes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """One visit of the patient."""

    #: within the order, such as `v7`
    id: str
    state: VisitState
    starts_at: datetime
    #: YYYY-MM-DD in the site's time zone
    day: str
    #: when it is missed, if nobody says that the patient came
    record_by: datetime
    attended_at: datetime | None = None
    #: user
    recorded_by: str = ""
    note: str = ""
    #: why it was missed, moved or cancelled
    reason: CodedReason | None = None
    asked_by: VisitAsker | None = None
    #: visit whose place it took
    moved_from: str = ""
    #: visit that took its place, or makes good for it when it was missed
    moved_to: str = ""
    #: nobody reported it: the deadline did
    missed_by_deadline: bool = False
    #: recorded as attended after it had counted as missed
    recorded_late: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Suspension:
    """Days without visits."""

    #: YYYY-MM-DD
    from_on: str
    #: YYYY-MM-DD, the last day; empty until somebody resumes
    until_on: str = ""
    reason: CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class StandingPolicy:
    """What a site may configure of standing orders (product defaults)."""

    #: the site's clock, the same as of referrals: China Standard Time
    utc_offset_minutes: int = 480
    #: an order lasts at most so many days
    days_max: int = 366
    #: visits are made so many days ahead
    horizon_days: int = 28
    #: more are made when so many days are left
    top_up_days: int = 21
    #: after its beginning a visit may be recorded for so long, then it is missed
    record_within_s: int = 4 * 3600
    #: so many missed in a row are an alert
    missed_in_a_row: int = 2


DEFAULT_STANDING_POLICY = StandingPolicy()
