"""Events from the request to a destination's word: approval, offers, questions, acceptance, re-routing."""

from dataclasses import dataclass
from datetime import datetime

from services.referral.domain.examination_results import ExaminationResult
from services.referral.domain.free_beds import FreeBeds
from services.referral.domain.record_values import TransferRecord
from services.referral.domain.referral_values import (
    AcceptingClinician,
    ClinicalSummary,
    Consent,
    Dispatch,
    Offer,
    RuleResult,
)
from services.referral.domain.rehabilitation import RehabilitationPlan
from services.referral.domain.values import BedType, CodedReason, Direction, Pathway, Scope, Urgency


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferralRequested:
    episode: str
    patient: str
    origin_facility: str
    direction: Direction
    scope: Scope
    urgency: Urgency
    pathway: Pathway
    green_channel: str = ""
    bed_type: BedType | None = None
    dispatch: Dispatch
    #: open from the start; none while it awaits approval
    offers: tuple[Offer, ...] = ()
    next_destinations: tuple[str, ...] = ()
    clinical_summary: ClinicalSummary
    consent: Consent
    norms: tuple[RuleResult, ...] = ()
    needs_approval: bool = False
    approval_in_retrospect: bool = False
    insurance_filing_needed: bool = False
    rehabilitation_plan: RehabilitationPlan | None = None
    #: referral that this one continues
    parent: str = ""
    consultation: str = ""
    #: the last moment for an answer; then it expires
    expires_at: datetime
    approval_facility: str = ""
    #: pathway of the illness, for the referral that a red flag would open
    reopening_pathway: Pathway
    record: TransferRecord | None = None
    #: elements of the record that are asked for and not there
    missing_elements: tuple[str, ...] = ()
    #: by when a record that begins incomplete is to be complete
    record_due_at: datetime | None = None
    #: that travel with the patient
    results: tuple[ExaminationResult, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferralApproved:
    offers: tuple[Offer, ...]
    next_destinations: tuple[str, ...] = ()
    expires_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ApprovalRefused:
    reason: CodedReason
    expires_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class OfferAcknowledged:
    offer: str
    facility: str


@dataclass(frozen=True, kw_only=True, slots=True)
class InformationRequested:
    offer: str
    facility: str
    questions: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class InformationProvided:
    answers: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferralAccepted:
    offer: str
    facility: str
    accepting_clinician: AcceptingClinician
    estimated_arrival_time: datetime | None = None
    withdrawn_offers: tuple[str, ...] = ()
    bed_type: BedType | None = None
    hold_until: datetime
    urgency: Urgency
    pathway: Pathway
    origin_facility: str
    patient: str
    #: for the choice of the bed
    sex: str = ""
    age_years: int | None = None
    isolation_needed: bool = False
    #: out of the county without approval: reviewed afterwards until then, by that facility's referral office
    review_due_at: datetime | None = None
    review_facility: str = ""
    #: None in events of before there were such limits, here and below
    departure_due_at: datetime | None = None
    bed_answer_due_at: datetime | None = None
    #: taken by the emergency room, without a held bed
    bypass_reason: CodedReason | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class OfferDeclined:
    offer: str
    facility: str
    reason: CodedReason
    #: opened by the decline
    offers: tuple[Offer, ...] = ()
    next_destinations: tuple[str, ...] = ()
    #: no offer is open or listed next
    exhausted: bool = False
    expires_at: datetime
    #: when the reason is want of capacity, as far as known
    free_beds: tuple[FreeBeds, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class OfferLapsed:
    """Nobody at the destination decided in time."""

    offer: str
    facility: str
    offers: tuple[Offer, ...] = ()
    next_destinations: tuple[str, ...] = ()
    exhausted: bool = False
    expires_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class OfferOverdue:
    """Nobody at the destination acknowledged in time. An alert: nothing moves."""

    offer: str
    facility: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferralRerouted:
    offers: tuple[Offer, ...]
    next_destinations: tuple[str, ...] = ()
    dispatch: Dispatch
    direction: Direction
    scope: Scope
    norms: tuple[RuleResult, ...]
    hop_count: int
    expires_at: datetime
    #: an emergency that now leaves the county is reviewed afterwards, by this facility's referral office
    approval_in_retrospect: bool = False
    approval_facility: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class AcceptanceWithdrawn:
    offer: str
    facility: str
    reason: CodedReason
    offers: tuple[Offer, ...] = ()
    next_destinations: tuple[str, ...] = ()
    exhausted: bool = False
    expires_at: datetime
    #: as in OfferDeclined
    free_beds: tuple[FreeBeds, ...] = ()
    #: ambulance service that was to carry, and is to be told
    carrier_facility: str = ""
