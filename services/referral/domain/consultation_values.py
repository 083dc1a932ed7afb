"""Values of a consultation: its kind, state and report, and the time limits it is held to."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from services.referral.domain.norms_rules import CAPABILITY_OF
from services.referral.domain.values import Pathway, Urgency


class ConsultationKind(StrEnum):
    """What travels to the centre."""

    #: live, clinician to clinician
    TELECONSULTATION = "TELECONSULTATION"
    ECG = "ECG"
    IMAGING = "IMAGING"
    LAB = "LAB"


class ConsultationState(StrEnum):
    """Where the question stands. The comments name the commands that lead on."""

    #: ClaimConsultation, CancelConsultation
    REQUESTED = "REQUESTED"
    #: ReportConsultation, ReturnConsultation, ReleaseClaim
    CLAIMED = "CLAIMED"
    #: ResubmitConsultation, CancelConsultation
    RETURNED = "RETURNED"
    #: AmendReport
    REPORTED = "REPORTED"
    #: terminal
    CANCELLED = "CANCELLED"


class Recommendation(StrEnum):
    """What the centre advises."""

    TREAT_LOCALLY = "TREAT_LOCALLY"
    #: the patient should move: a referral of the same episode follows
    TRANSFER = "TRANSFER"
    #: 患者不动专家动
    EXPERT_VISIT = "EXPERT_VISIT"
    OBSERVE = "OBSERVE"


@dataclass(frozen=True, kw_only=True, slots=True)
class Attachment:
    """Something that lies elsewhere: an event never carries its bytes."""

    uri: str
    media_type: str
    #: lower-case hexadecimal
    sha256: str
    size_bytes: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsultationReport:
    """The centre's answer."""

    findings: str
    conclusion: str
    recommendation: Recommendation
    #: 危急值
    critical_value: bool = False
    #: who comes, for EXPERT_VISIT
    expert: str = ""
    #: when the expert comes, for EXPERT_VISIT
    expert_visit_at: datetime | None = None
    #: where to, for TRANSFER; empty leaves the choice to the requester
    transfer_destination: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class UrgencyLimit:
    """A time limit that is shorter for an emergency."""

    emergency_s: int
    otherwise_s: int

    def of(self, urgency: Urgency) -> timedelta:
        """The limit for `urgency`; only EMERGENCY gets the shorter one."""
        return timedelta(seconds=self.emergency_s if urgency is Urgency.EMERGENCY else self.otherwise_s)


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsultationPolicy:
    """Time limits of the site, read from its configuration (facts.md: remote reading)."""

    #: from request, or resubmission, to report
    result_due: UrgencyLimit
    #: from claim until it falls back to the centre's queue
    claim_lease: UrgencyLimit
    #: kinds that the site holds to limits of their own, such as a city's rule for remote ECG
    result_due_by_kind: tuple[tuple[ConsultationKind, UrgencyLimit], ...] = ()

    def result_due_within(self, kind: ConsultationKind, urgency: Urgency) -> timedelta:
        """How long the centre has for its result."""
        for exception, limit in self.result_due_by_kind:
            if exception is kind:
                return limit.of(urgency)
        return self.result_due.of(urgency)


_CENTRE_OF_KIND: dict[ConsultationKind, str] = {
    ConsultationKind.ECG: "ECG",
    ConsultationKind.IMAGING: "IMAGING",
    ConsultationKind.LAB: "LAB",
}


def needed_capability(kind: ConsultationKind, pathway: Pathway) -> str | None:
    """The capability the centre must have: a reading needs its diagnosis centre, whatever the pathway;
    a live teleconsultation needs the pathway's centre. None when any facility may answer."""
    if kind is ConsultationKind.TELECONSULTATION:
        return CAPABILITY_OF.get(pathway)
    return _CENTRE_OF_KIND[kind]
