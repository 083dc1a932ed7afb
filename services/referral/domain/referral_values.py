"""The values that a referral is made of: its states and the parts of the resource.

Names and fields are those of `tierlink.referral.v1` (referral.proto).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.referral.domain.free_beds import FreeBeds
from services.referral.domain.values import CodedReason, Direction, Scope
from services.shared.kernel.text import BilingualText


class ReferralState(StrEnum):
    """Where a referral stands; `transitions.py` says what may follow what."""

    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    REQUESTED = "REQUESTED"
    INFO_REQUESTED = "INFO_REQUESTED"
    DECLINED = "DECLINED"
    ACCEPTED = "ACCEPTED"
    TRANSPORT_ARRANGED = "TRANSPORT_ARRANGED"
    IN_TRANSIT = "IN_TRANSIT"
    NO_SHOW = "NO_SHOW"
    ARRIVED = "ARRIVED"
    IN_TREATMENT = "IN_TREATMENT"
    TREATED = "TREATED"
    CANCEL_REQUESTED = "CANCEL_REQUESTED"
    CLOSED = "CLOSED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    DECEASED = "DECEASED"
    ENTERED_IN_ERROR = "ENTERED_IN_ERROR"


class Dispatch(StrEnum):
    """How the destinations are asked."""

    #: one after the other; the next on decline or lapse
    IN_ORDER = "IN_ORDER"
    #: all at once; the first acceptance wins
    FIRST_TO_ACCEPT = "FIRST_TO_ACCEPT"


class BedRegion(StrEnum):
    """What the bed service last said; only its events change it."""

    #: no bed was asked for
    NOT_NEEDED = "NOT_NEEDED"
    #: asked for, and no word of the bed service yet
    REQUESTED = "REQUESTED"
    HELD = "HELD"
    UNAVAILABLE = "UNAVAILABLE"
    LAPSED = "LAPSED"
    OCCUPIED = "OCCUPIED"
    RELEASED = "RELEASED"


class OfferState(StrEnum):
    """Where one attempt at one destination stands."""

    SENT = "SENT"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"
    WITHDRAWN = "WITHDRAWN"
    LAPSED = "LAPSED"


class CrewLevel(StrEnum):
    """Level of the transport's crew, the lowest first."""

    #: patient's own means
    NONE = "NONE"
    #: basic life support
    BASIC = "BASIC"
    #: nurse or physician on board, monitor and defibrillator
    ADVANCED = "ADVANCED"
    #: ventilator, infusion pumps, physician of critical care
    CRITICAL_CARE = "CRITICAL_CARE"


class Outcome(StrEnum):
    """How the treatment ended."""

    RECOVERED = "RECOVERED"
    IMPROVED = "IMPROVED"
    UNCHANGED = "UNCHANGED"
    WORSENED = "WORSENED"


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """One attempt at one destination. FHIR `Task`."""

    name: str
    facility: str
    state: OfferState
    sent_at: datetime
    acknowledge_by: datetime
    decide_by: datetime
    #: of a decline or withdrawal
    reason: CodedReason | None = None
    #: by road from the origin; None when unknown
    travel_minutes: int | None = None
    #: nobody acknowledged it in time
    overdue: bool = False
    direction: Direction
    scope: Scope
    #: a filing number is needed before departure to this destination
    insurance_filing_needed: bool = False
    #: at the moment it declined or withdrew for want of capacity, as far as known
    free_beds: tuple[FreeBeds, ...] = ()
    #: of the facility, as in the directory when the offer was opened
    facility_name: str = ""
    #: of WS 218; empty when the directory has none
    facility_code: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClinicalSummary:
    """What the destination must know at a glance."""

    #: ICD-10
    diagnosis_code: str = ""
    diagnosis_name: str
    #: WS 445.16 转诊原因, at most 100 characters
    referral_reason: str
    symptoms: str = ""
    treatment_given: str = ""
    allergies: str = ""
    #: National Institutes of Health Stroke Scale
    nihss: int | None = None
    systolic_mmhg: int | None = None
    diastolic_mmhg: int | None = None
    heart_rate_per_minute: int | None = None
    #: M, F or empty (GB/T 2261.1)
    sex: str = ""
    age_years: int | None = None
    isolation_needed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Consent:
    """Consent to the referral, or the emergency exception."""

    recorded: bool = False
    #: PATIENT, GUARDIAN or FAMILY
    given_by: str = ""
    emergency_exception: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleResult:
    """One norm, evaluated."""

    code: str
    passed: bool
    overridable: bool
    #: None when it was not overridden
    override: CodedReason | None = None
    text: BilingualText


@dataclass(frozen=True, kw_only=True, slots=True)
class NormOverride:
    """A coded reason to go against one norm."""

    rule: str
    reason: CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class BedAssignment:
    """What the bed service says of the referral's bed."""

    hold: str = ""
    facility: str = ""
    ward: str = ""
    bed: str = ""
    #: grows with each hold of the ward
    fencing_token: int = 0
    expires_at: datetime | None = None
    #: coded, when there is no bed
    reason: str = ""
    #: orders the holds of different wards, whose tokens are not comparable
    held_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AcceptingClinician:
    """The named clinician who takes the patient."""

    user: str
    name: str
    department: str = ""
    telephone: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Transport:
    """How the patient travels."""

    crew_level: CrewLevel
    vehicle: str = ""
    escort: str = ""
    departure_planned_at: datetime | None = None
    #: ambulance service that carries, by its facility; empty is the origin's own means, or one of its county
    ambulance_facility: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class HandoverDocument:
    """The document handed over with the patient."""

    summary: str
    medications_given: tuple[str, ...] = ()
    pending_results: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class InformationExchange:
    """Questions of a destination and the origin's answers."""

    questions: tuple[str, ...]
    asked_at: datetime
    asked_by_facility: str
    #: one answer may be for the questions of several
    answers: tuple[str, ...] = ()
    #: None while unanswered
    answered_at: datetime | None = None
    #: of whoever asked
    offer: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class FollowUpOwner:
    """Who is answerable for following a patient up."""

    facility: str
    #: named clinician or family-doctor team
    name: str
    telephone: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class DischargeSummary:
    """How the treatment ended: the report that the origin acknowledges."""

    outcome: Outcome
    summary: str
    diagnosis_code: str = ""
    procedures: tuple[str, ...] = ()
    #: what the destination asks of those who go on with the care
    advice: str = ""
    follow_up_owner: FollowUpOwner | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FollowUp:
    """One visit after a referral down."""

    occurred_at: datetime
    findings: str
    #: a red flag of the plan that was seen; empty when none was
    red_flag: str = ""
    #: user
    recorded_by: str
    #: planned follow-up (a task of the plan) that it fulfils; empty for one that nobody planned
    task: str = ""
