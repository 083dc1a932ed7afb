"""Events of a consultation. Each says which facilities, pathway and urgency it concerns, so that an alert
rule can route it without knowing anything else."""

from dataclasses import dataclass
from datetime import datetime

from services.referral.domain.attachments import Attachment
from services.referral.domain.consultation_details import (
    EcgRequest,
    ImagingRequest,
    LaboratoryRequest,
    TeleconsultationRequest,
)
from services.referral.domain.consultation_values import (
    ConsultationKind,
    ConsultationReport,
    CriticalValueNotice,
    ExpertVisitState,
)
from services.referral.domain.values import CodedReason, Pathway, Urgency


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsultationRequested:
    episode: str
    patient: str
    kind: ConsultationKind
    urgency: Urgency
    pathway: Pathway
    requesting_facility: str
    centre_facility: str
    question: str
    clinical_summary: str
    attachments: tuple[Attachment, ...]
    due_at: datetime
    ecg: EcgRequest | None = None
    imaging: ImagingRequest | None = None
    laboratory: LaboratoryRequest | None = None
    teleconsultation: TeleconsultationRequest | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsultationClaimed:
    """The claimer is the event's actor."""

    claim_expires_at: datetime
    requesting_facility: str
    centre_facility: str
    pathway: Pathway
    urgency: Urgency


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimReleased:
    by_deadline: bool
    requesting_facility: str
    centre_facility: str
    pathway: Pathway
    urgency: Urgency


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsultationReturned:
    reason: CodedReason
    requesting_facility: str
    centre_facility: str
    pathway: Pathway
    urgency: Urgency
    #: None in events of before there was such a limit
    resubmission_due_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ResubmissionOverdue:
    """The requester has neither resubmitted nor cancelled. The consultation goes on."""

    due_at: datetime
    requesting_facility: str
    centre_facility: str
    pathway: Pathway
    urgency: Urgency


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsultationResubmitted:
    """Summary, attachments and what is sent by kind are those in force from now on."""

    clinical_summary: str
    attachments: tuple[Attachment, ...]
    due_at: datetime
    requesting_facility: str
    centre_facility: str
    pathway: Pathway
    urgency: Urgency
    ecg: EcgRequest | None = None
    imaging: ImagingRequest | None = None
    laboratory: LaboratoryRequest | None = None
    teleconsultation: TeleconsultationRequest | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsultationReported:
    report: ConsultationReport
    requesting_facility: str
    centre_facility: str
    pathway: Pathway
    urgency: Urgency
    #: set when the report has a critical value
    critical_value_notice: CriticalValueNotice | None = None
    #: until when the visit is to be recorded or cancelled; None without one
    expert_visit_due_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportAmended:
    """The earlier wording stays in its own event."""

    report: ConsultationReport
    reason: CodedReason
    requesting_facility: str
    centre_facility: str
    pathway: Pathway
    urgency: Urgency
    #: the earlier notice while the critical values are the same, else a new one; None without any
    critical_value_notice: CriticalValueNotice | None = None
    #: None without an expert's visit, and in events from before visits had a state
    expert_visit_state: ExpertVisitState | None = None
    #: as in ConsultationReported
    expert_visit_due_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsultationCancelled:
    reason: CodedReason
    requesting_facility: str
    centre_facility: str
    pathway: Pathway
    urgency: Urgency


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsultationOverdue:
    """The result is later than promised. The consultation goes on."""

    due_at: datetime
    requesting_facility: str
    centre_facility: str
    pathway: Pathway
    urgency: Urgency


@dataclass(frozen=True, kw_only=True, slots=True)
class CriticalValueAcknowledged:
    """The requester has taken note; who is the event's actor."""

    handling: str
    requesting_facility: str
    centre_facility: str
    pathway: Pathway
    urgency: Urgency


@dataclass(frozen=True, kw_only=True, slots=True)
class CriticalValueOverdue:
    """Nobody at the requester acknowledged the critical values in time."""

    acknowledge_by: datetime
    requesting_facility: str
    centre_facility: str
    pathway: Pathway
    urgency: Urgency


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpertVisitOverdue:
    """The day of the visit has passed, and nobody has recorded or cancelled it."""

    visit_at: datetime
    due_at: datetime
    requesting_facility: str
    centre_facility: str
    pathway: Pathway
    urgency: Urgency


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpertVisitConfirmed:
    """The requester expects the expert."""

    expert: str
    visit_at: datetime
    requesting_facility: str
    centre_facility: str
    pathway: Pathway
    urgency: Urgency


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpertVisitHeld:
    """The expert was there."""

    held_at: datetime
    summary: str
    requesting_facility: str
    centre_facility: str
    pathway: Pathway
    urgency: Urgency


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpertVisitCancelled:
    """The expert does not come."""

    reason: CodedReason
    #: the side that did not cancel
    told_facility: str
    requesting_facility: str
    centre_facility: str
    pathway: Pathway
    urgency: Urgency


ConsultationEvent = (
    ConsultationRequested
    | ConsultationClaimed
    | ClaimReleased
    | ConsultationReturned
    | ConsultationResubmitted
    | ConsultationReported
    | ReportAmended
    | ConsultationCancelled
    | ConsultationOverdue
    | CriticalValueAcknowledged
    | CriticalValueOverdue
    | ExpertVisitConfirmed
    | ExpertVisitHeld
    | ExpertVisitCancelled
    | ResubmissionOverdue
    | ExpertVisitOverdue
)
