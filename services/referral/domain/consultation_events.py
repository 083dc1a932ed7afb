"""Events of a consultation. Each says which facilities, pathway and urgency it concerns, so that an alert
rule can route it without knowing anything else."""

from dataclasses import dataclass
from datetime import datetime

from services.referral.domain.consultation_values import Attachment, ConsultationKind, ConsultationReport
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


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsultationResubmitted:
    """Summary and attachments are those in force from now on."""

    clinical_summary: str
    attachments: tuple[Attachment, ...]
    due_at: datetime
    requesting_facility: str
    centre_facility: str
    pathway: Pathway
    urgency: Urgency


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsultationReported:
    report: ConsultationReport
    requesting_facility: str
    centre_facility: str
    pathway: Pathway
    urgency: Urgency


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportAmended:
    report: ConsultationReport
    reason: CodedReason
    requesting_facility: str
    centre_facility: str
    pathway: Pathway
    urgency: Urgency


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
)
