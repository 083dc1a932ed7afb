"""What came of a case: the same for every play of it, but for ids and moments."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.operator.casefile.model import Case
from services.operator.playing.results import StepResult
from services.operator.verification.findings import Verification
from services.shared.kernel.text import BilingualText


@dataclass(frozen=True, kw_only=True, slots=True)
class TimelineRow:
    """One event of the episode."""

    #: clinical time
    occurred_at: datetime
    recorded_at: datetime
    #: VILLAGE, TOWNSHIP, COUNTY, CITY, PROVINCE; empty for no facility
    level: str
    facility: str
    facility_name: BilingualText
    actor_user: str
    actor_name: str
    actor_roles: tuple[str, ...]
    aggregate_kind: str
    aggregate: str
    version: int
    type: str
    text: BilingualText
    #: which milestone, what joined; empty for most
    detail: BilingualText
    #: hexadecimal
    hash: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockRow:
    """One clock of the episode beside its target."""

    key: str
    label: BilingualText
    facility: str
    facility_name: BilingualText
    started_at: datetime
    stopped_at: datetime | None
    elapsed_s: int | None
    target_s: int
    stretch_s: int | None
    #: RUNNING, MET, MISSED
    status: str
    source: BilingualText
    #: A, B, C
    confidence: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertRow:
    """One alert of the episode."""

    name: str
    rule: str
    severity: str
    facility: str
    facility_name: BilingualText
    role: str
    title: BilingualText
    subject: str
    state: str
    #: clinical time of what it is about
    occurred_at: datetime | None
    #: clinical time of the acknowledgement
    acknowledged_at: datetime | None
    acknowledged_by: str
    acknowledged_by_name: str
    #: clinical time between the two
    response_s: float | None
    #: real time from the command to the stream of the person it called; None when nobody waited for it
    delivery_ms: float | None
    resolution: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditVerdict:
    """The services' own verdicts and this program's."""

    services: tuple[Verification, ...]
    local: Verification

    @property
    def is_intact(self) -> bool:
        return all(each.is_intact for each in (*self.services, self.local))


@dataclass(frozen=True, kw_only=True, slots=True)
class Shortcoming:
    """One thing that is not as it must be."""

    #: step, clock, alert, stream, audit, outcome
    kind: str
    #: which one
    where: str
    text: BilingualText


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """Everything about one play."""

    case: Case
    #: clinical time of its start and end
    started_at: datetime
    ended_at: datetime
    #: real time from the first step to the last
    took_s: float
    steps: tuple[StepResult, ...]
    variables: Mapping[str, Any]
    timeline: tuple[TimelineRow, ...]
    clocks: tuple[ClockRow, ...]
    alerts: tuple[AlertRow, ...]
    #: None when the case did not come far enough to ask
    audit: AuditVerdict | None
    #: where everything ended, free of ids and moments: two plays of a case must give the same
    outcome: Mapping[str, Any]
    shortcomings: tuple[Shortcoming, ...]

    @property
    def is_ok(self) -> bool:
        return not self.shortcomings
