"""Commands on the rehabilitation plan of a referral down, and on the report that comes back."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from services.referral.domain.rehabilitation import RehabilitationTask
from services.referral.domain.values import CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class CompleteTask:
    #: of the plan, such as `t3`
    task: str
    #: None is the clinical time of the command
    done_at: datetime | None = None
    #: empty is the caller
    done_by: str = ""
    result: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class CancelTask:
    task: str
    reason: CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class ExplainMissedTask:
    task: str
    reason: CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class AmendPlan:
    #: new ones without id; with the id of an open or missed one, that task as it is to be
    tasks: tuple[RehabilitationTask, ...] = ()
    #: the whole list as it is to be; empty leaves it, and so for the red flags
    medications: tuple[str, ...] = ()
    red_flags: tuple[str, ...] = ()
    emergency_red_flags: tuple[str, ...] = ()
    reason: CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class AcknowledgeOutcome:
    pass


PlanCommand: TypeAlias = CompleteTask | CancelTask | ExplainMissedTask | AmendPlan | AcknowledgeOutcome
