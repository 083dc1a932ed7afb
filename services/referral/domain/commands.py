"""Commands of a referral: imperative, one for each RPC of the state table, and those of the system.

Request id, expected version and clinical time are in the command's context.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from services.referral.domain.commands_bypass import GrantBypass
from services.referral.domain.commands_journey import (
    ArrangeTransport,
    DepartPatient,
    DivertPatient,
    ReportArrival,
    ReportNoShow,
    UpdateArrivalEstimate,
)
from services.referral.domain.commands_plan import PlanCommand
from services.referral.domain.commands_system import BedNews, FollowBed, FollowStanding, MeetDeadline
from services.referral.domain.examination_results import ExaminationResult, RepeatReason
from services.referral.domain.record_values import SummaryCompletion, TransferRecord
from services.referral.domain.referral_values import (
    AcceptingClinician,
    ClinicalSummary,
    Consent,
    DischargeSummary,
    Dispatch,
    NormOverride,
)
from services.referral.domain.rehabilitation import RehabilitationPlan
from services.referral.domain.review_values import ReviewVerdict
from services.referral.domain.standing_values import StandingPlan
from services.referral.domain.values import BedType, CodedReason, Pathway, Urgency

__all__ = [
    "AcceptReferral",
    "AcknowledgeOffer",
    "AddResults",
    "ApproveReferral",
    "ArrangeTransport",
    "BedNews",
    "CancelReferral",
    "CloseReferral",
    "Command",
    "CompleteRecord",
    "CompleteTreatment",
    "ConfirmCancellation",
    "CreateReferral",
    "DeclineReferral",
    "DepartPatient",
    "DivertPatient",
    "FollowBed",
    "FollowStanding",
    "GrantBypass",
    "MarkEnteredInError",
    "MeetDeadline",
    "PlanCommand",
    "ProvideInformation",
    "RecordDeath",
    "RecordFollowUp",
    "RecordRepeat",
    "ReferBack",
    "RefuseApproval",
    "ReportArrival",
    "ReportNoShow",
    "RequestInformation",
    "RerouteReferral",
    "ReviewReferral",
    "StartTreatment",
    "UpdateArrivalEstimate",
    "WithdrawAcceptance",
    "WithdrawErrorMark",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateReferral:
    #: empty opens a new one
    episode: str = ""
    patient: str
    #: ranked, the best first
    destinations: tuple[str, ...]
    #: None is IN_ORDER
    dispatch: Dispatch | None = None
    urgency: Urgency
    pathway: Pathway
    green_channel: str = ""
    bed_type: BedType | None = None
    clinical_summary: ClinicalSummary
    consent: Consent
    overrides: tuple[NormOverride, ...] = ()
    rehabilitation_plan: RehabilitationPlan | None = None
    consultation: str = ""
    #: what is there of it; an emergency's may be completed later
    record: TransferRecord | None = None
    #: that travel with the patient
    results: tuple[ExaminationResult, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ApproveReferral:
    pass


@dataclass(frozen=True, kw_only=True, slots=True)
class RefuseApproval:
    reason: CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewReferral:
    """The lead facility's word afterwards, on what left the county without its approval."""

    verdict: ReviewVerdict
    reason: CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class AcknowledgeOffer:
    pass


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestInformation:
    questions: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ProvideInformation:
    answers: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class AcceptReferral:
    accepting_clinician: AcceptingClinician
    estimated_arrival_time: datetime | None = None
    #: why the patient is taken by the emergency room, without a held bed; None is with one
    bypass_reason: CodedReason | None = None
    #: the calendar of a pathway with many visits, given at once: a standing order opens with the acceptance
    standing_plan: StandingPlan | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DeclineReferral:
    reason: CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class RerouteReferral:
    destinations: tuple[str, ...]
    #: None keeps the present one
    dispatch: Dispatch | None = None
    overrides: tuple[NormOverride, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class WithdrawAcceptance:
    reason: CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class StartTreatment:
    pass


@dataclass(frozen=True, kw_only=True, slots=True)
class CompleteTreatment:
    discharge_summary: DischargeSummary


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferBack:
    destination_facility: str
    rehabilitation_plan: RehabilitationPlan
    bed_type: BedType | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordFollowUp:
    findings: str
    #: one of the plan's red flags, when it was seen
    red_flag: str = ""
    #: planned follow-up (a task of the plan) that it fulfils; empty is the one planned nearest to that day
    task: str = ""
    #: of the referral that a red flag opens; None follows plan and policy
    urgency: Urgency | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CloseReferral:
    outcome_report_acknowledged: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class CancelReferral:
    reason: CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfirmCancellation:
    pass


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordDeath:
    died_at: datetime
    certifier: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MarkEnteredInError:
    reason: CodedReason
    #: says nothing any more: the second person confirms by a command of their own
    second_approver: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class WithdrawErrorMark:
    """The origin takes back that it called the referral an error, before anybody confirmed it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CompleteRecord:
    """What is left out stays as it is."""

    record: TransferRecord | None = None
    clinical_summary: SummaryCompletion | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AddResults:
    results: tuple[ExaminationResult, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordRepeat:
    #: name of the result that was made again
    result: str
    reason: RepeatReason
    #: needed for OTHER
    text: str = ""


Command: TypeAlias = (
    CreateReferral
    | ApproveReferral
    | RefuseApproval
    | ReviewReferral
    | AcknowledgeOffer
    | RequestInformation
    | ProvideInformation
    | AcceptReferral
    | DeclineReferral
    | RerouteReferral
    | WithdrawAcceptance
    | GrantBypass
    | ArrangeTransport
    | DepartPatient
    | DivertPatient
    | UpdateArrivalEstimate
    | ReportArrival
    | ReportNoShow
    | StartTreatment
    | CompleteTreatment
    | ReferBack
    | RecordFollowUp
    | PlanCommand
    | CloseReferral
    | CancelReferral
    | ConfirmCancellation
    | RecordDeath
    | MarkEnteredInError
    | WithdrawErrorMark
    | CompleteRecord
    | AddResults
    | RecordRepeat
    | FollowBed
    | FollowStanding
    | MeetDeadline
)
