"""Events after acceptance: bed, transport, arrival, treatment, the way back, and every end."""

from dataclasses import dataclass
from datetime import datetime

from services.referral.domain.referral_values import (
    BedAssignment,
    DischargeSummary,
    HandoverDocument,
    Offer,
    Transport,
)
from services.referral.domain.rehabilitation import RehabilitationPlan
from services.referral.domain.values import BedType, CodedReason, Direction, Scope, Urgency


@dataclass(frozen=True, kw_only=True, slots=True)
class BedHeld:
    bed: BedAssignment


@dataclass(frozen=True, kw_only=True, slots=True)
class BedUnavailable:
    bed: BedAssignment


@dataclass(frozen=True, kw_only=True, slots=True)
class BedHoldLapsed:
    bed: BedAssignment


@dataclass(frozen=True, kw_only=True, slots=True)
class BedOccupied:
    bed: BedAssignment


@dataclass(frozen=True, kw_only=True, slots=True)
class BedReleased:
    bed: BedAssignment
    #: the patient was still to come: there is no bed for them now
    expected: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class BypassGranted:
    """The destination takes the patient by its emergency room, without a held bed."""

    facility: str
    reason: CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class TransportArranged:
    transport: Transport
    emergency_room_bypass: bool = False
    estimated_arrival_time: datetime | None = None
    hold_until: datetime
    #: None in events of before there were such limits, here and below
    departure_due_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PatientDeparted:
    origin_facility: str
    destination_facility: str
    handover_document: HandoverDocument
    transport: Transport
    emergency_room_bypass: bool = False
    estimated_arrival_time: datetime
    insurance_filing_number: str = ""
    hold_until: datetime
    arrival_due_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PatientDiverted:
    from_facility: str
    destination_facility: str
    reason: CodedReason
    estimated_arrival_time: datetime
    #: accepted by decree: the patient is on the way
    offer: Offer
    bed_type: BedType | None = None
    hold_until: datetime
    direction: Direction
    scope: Scope
    #: as in ReferralAccepted; a review that was open already keeps its earlier moment
    review_due_at: datetime | None = None
    review_facility: str = ""
    arrival_due_at: datetime | None = None
    bed_answer_due_at: datetime | None = None
    #: for the choice of the bed
    sex: str = ""
    age_years: int | None = None
    isolation_needed: bool = False
    #: ambulance service that carries him and did not say so itself; empty for the origin's own means
    carrier_facility: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class PatientArrived:
    facility: str
    treatment_start_due_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PatientNoShow:
    facility: str
    #: of the origin
    follow_up_due_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TreatmentStarted:
    facility: str
    treatment_due_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TreatmentCompleted:
    facility: str
    discharge_summary: DischargeSummary
    report_due_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class OutcomeReportOverdue:
    """The outcome report was not acknowledged in time. An alert: nothing moves."""

    facility: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PatientReferredBack:
    #: the new DOWN referral
    referral: str
    destination_facility: str
    rehabilitation_plan: RehabilitationPlan
    bed_type: BedType | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FollowUpRecorded:
    facility: str
    findings: str
    red_flag: str = ""
    #: opened by the red flag; empty when there was none
    reopened_as: str = ""
    #: planned follow-up (a task of the plan) that it fulfils; empty for one that nobody planned
    task: str = ""
    #: after the planned day
    late: bool = False
    #: of the referral that the red flag opens
    red_flag_urgency: Urgency | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferralClosed:
    origin_facility: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CancellationRequested:
    reason: CodedReason
    confirm_by: datetime
    #: ambulance service that was to carry, and is to be told
    carrier_facility: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferralCancelled:
    reason: CodedReason
    #: the destination did not answer in time
    by_deadline: bool = False
    #: as in CancellationRequested
    carrier_facility: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferralExpired:
    pass


@dataclass(frozen=True, kw_only=True, slots=True)
class PatientDied:
    died_at: datetime
    certifier: str
    facility: str
