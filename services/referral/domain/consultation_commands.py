"""Commands on a consultation, named as their RPCs; who gives them and when is in the context."""

from dataclasses import dataclass

from services.referral.domain.attachments import Attachment
from services.referral.domain.consultation_details import (
    EcgRequest,
    ImagingRequest,
    LaboratoryRequest,
    TeleconsultationRequest,
)
from services.referral.domain.consultation_values import ConsultationKind, ConsultationReport
from services.referral.domain.values import CodedReason, Pathway, Urgency


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestConsultation:
    """A clinician asks a centre a question. The caller's facility is the requesting one."""

    patient: str
    kind: ConsultationKind
    urgency: Urgency
    pathway: Pathway
    centre_facility: str
    question: str
    clinical_summary: str = ""
    attachments: tuple[Attachment, ...] = ()
    #: only the one of `kind`
    ecg: EcgRequest | None = None
    imaging: ImagingRequest | None = None
    laboratory: LaboratoryRequest | None = None
    teleconsultation: TeleconsultationRequest | None = None
    #: episode to join; empty opens the one that follows from the request id (`episode.opened_by_request`)
    episode: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimConsultation:
    """A clinician of the centre takes the question."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReleaseClaim:
    """The claimer gives the question back to the centre's queue."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReturnConsultation:
    """The claimer cannot answer as it is: image quality, a missing lead."""

    reason: CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class ResubmitConsultation:
    """The requester sends it again. What is given replaces what was sent before; what is left out stays."""

    clinical_summary: str = ""
    attachments: tuple[Attachment, ...] = ()
    ecg: EcgRequest | None = None
    imaging: ImagingRequest | None = None
    laboratory: LaboratoryRequest | None = None
    teleconsultation: TeleconsultationRequest | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportConsultation:
    """The claimer answers."""

    report: ConsultationReport


@dataclass(frozen=True, kw_only=True, slots=True)
class AmendReport:
    """The centre corrects its answer; the earlier wording stays in the trail."""

    report: ConsultationReport
    reason: CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class AcknowledgeCriticalValue:
    """The requester has taken note of a report with a critical value."""

    #: what is done about it; may be empty
    handling: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfirmExpertVisit:
    """The requester expects the expert."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordExpertVisit:
    """The expert was there: the clinical time of the command says when."""

    summary: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CancelExpertVisit:
    """The expert does not come."""

    reason: CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class CancelConsultation:
    """The requester withdraws the question."""

    reason: CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class MeetDeadline:
    """A deadline of the consultation is due. Given by the system alone."""

    key: str


ConsultationCommand = (
    RequestConsultation
    | ClaimConsultation
    | ReleaseClaim
    | ReturnConsultation
    | ResubmitConsultation
    | ReportConsultation
    | AmendReport
    | AcknowledgeCriticalValue
    | ConfirmExpertVisit
    | RecordExpertVisit
    | CancelExpertVisit
    | CancelConsultation
    | MeetDeadline
)
