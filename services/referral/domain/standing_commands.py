"""Commands of a standing order: one for each RPC, and those that the system gives."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from services.referral.domain.standing_values import StandingPlan, VisitAsker
from services.referral.domain.values import CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class ScheduleStanding:
    #: `referrals/{uuid}`, accepted by the caller's facility
    referral: str
    plan: StandingPlan


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordVisit:
    """The patient came."""

    #: of the order, such as `v7`
    visit: str
    #: None is the clinical time of the command
    attended_at: datetime | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportMissedVisit:
    visit: str
    reason: CodedReason | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class MoveVisit:
    visit: str
    starts_at: datetime
    reason: CodedReason
    asked_by: VisitAsker


@dataclass(frozen=True, kw_only=True, slots=True)
class SuspendStanding:
    #: YYYY-MM-DD
    from_on: str
    #: YYYY-MM-DD, the last day without visits; empty until somebody resumes
    until_on: str = ""
    reason: CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class ResumeStanding:
    #: YYYY-MM-DD, the first day with visits again
    from_on: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EndStanding:
    reason: CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class FollowReferral:
    """The referral ended, or its destination is another one now. Given by the system alone."""

    reason: CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class MeetDeadline:
    """A deadline is due. Given by the system alone."""

    #: as in `Deadline.key`
    key: str


StandingCommand: TypeAlias = (
    RecordVisit
    | ReportMissedVisit
    | MoveVisit
    | SuspendStanding
    | ResumeStanding
    | EndStanding
    | FollowReferral
    | MeetDeadline
)
