"""Values of a consultation: its kind, its state and its report."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.referral.domain.attachments import Attachment
from services.referral.domain.norms_move import CAPABILITY_OF
from services.referral.domain.values import BedType, Pathway, Urgency
from services.shared.kernel.actor import Actor


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
    #: AmendReport; AcknowledgeCriticalValue; ConfirmExpertVisit, RecordExpertVisit, CancelExpertVisit
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
class CriticalValue:
    """One critical value 危急值."""

    #: what was found
    item: str
    value: str
    #: empty when the value has none
    unit: str = ""
    #: when the centre saw it; None when nobody said
    found_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CriticalValueNotice:
    """That the requester was told of the critical values, and what came of it."""

    told_at: datetime
    #: told later than the site's limit after the centre saw the first of them
    told_late: bool = False
    acknowledge_by: datetime
    acknowledged: bool = False
    acknowledged_by: Actor | None = None
    acknowledged_at: datetime | None = None
    #: what was done
    handling: str = ""
    #: nobody acknowledged in time
    overdue: bool = False


class ExpertVisitState(StrEnum):
    """Where an expert's visit stands. The comments name the commands that lead on."""

    #: ConfirmExpertVisit, RecordExpertVisit, CancelExpertVisit
    PLANNED = "PLANNED"
    #: RecordExpertVisit, CancelExpertVisit
    CONFIRMED = "CONFIRMED"
    HELD = "HELD"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpertVisit:
    """患者不动专家动: who comes, from where, when."""

    expert: str
    #: a facility of the directory, or the name of another; empty when nobody said
    from_facility: str = ""
    department: str = ""
    visit_at: datetime
    #: such as an operation
    purpose: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class TransferProposal:
    """The referral that a TRANSFER recommendation prefills (`transfer_prefill`)."""

    #: ranked, the best first; empty leaves the choice to the requester
    destinations: tuple[str, ...] = ()
    #: None is the consultation's
    urgency: Urgency | None = None
    #: None is the consultation's
    pathway: Pathway | None = None
    #: None when no bed is needed
    bed_type: BedType | None = None
    diagnosis_code: str = ""
    #: empty is the report's conclusion
    diagnosis_name: str = ""
    referral_reason: str = ""
    symptoms: str = ""
    treatment_given: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsultationReport:
    """The centre's answer."""

    findings: str
    conclusion: str
    recommendation: Recommendation
    #: 危急值: follows from `critical_values`; older callers say it alone
    critical_value: bool = False
    critical_values: tuple[CriticalValue, ...] = ()
    #: for EXPERT_VISIT; `expert` and `expert_visit_at` say the same for older readers
    expert_visit: ExpertVisit | None = None
    expert: str = ""
    expert_visit_at: datetime | None = None
    #: for TRANSFER; `transfer_destination` is the first of its destinations for older readers
    transfer: TransferProposal | None = None
    transfer_destination: str = ""
    attachments: tuple[Attachment, ...] = ()


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
