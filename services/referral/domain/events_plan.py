"""Events of what lasts for weeks: the rehabilitation plan, the report that comes back, a standing order."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from services.referral.domain.rehabilitation import RehabilitationTask, RehabilitationTaskKind
from services.referral.domain.values import CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskCompleted:
    task: str
    #: that says so
    facility: str
    done_at: datetime
    done_by: str
    result: str = ""
    #: after its day
    late: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskCancelled:
    task: str
    facility: str
    reason: CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskMissed:
    """Not done by the end of its day. An alert: it may still be done."""

    task: str
    kind: RehabilitationTaskKind | None
    description: str
    due_on: str
    due_at: datetime
    #: that was to see to it
    facility: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FollowUpMissed:
    """A planned follow-up was not recorded by the end of its day. An alert."""

    task: str
    due_on: str
    due_at: datetime
    facility: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskMissExplained:
    task: str
    facility: str
    reason: CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanAmended:
    facility: str
    #: new ones, and changed ones as they are now
    tasks: tuple[RehabilitationTask, ...] = ()
    medications: tuple[str, ...] = ()
    red_flags: tuple[str, ...] = ()
    emergency_red_flags: tuple[str, ...] = ()
    reason: CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class OutcomeAcknowledged:
    """The origin has read the outcome report."""

    facility: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StandingOrderOpened:
    standing_order: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StandingOrderOver:
    """The standing order is over, and the referral goes on without."""

    standing_order: str


PlanEvent: TypeAlias = (
    TaskCompleted
    | TaskCancelled
    | TaskMissed
    | FollowUpMissed
    | TaskMissExplained
    | PlanAmended
    | OutcomeAcknowledged
    | StandingOrderOpened
    | StandingOrderOver
)
