"""Events of a referral: past tense, with absolute times and everything that a fold needs.

Names and fields are those of `tierlink.referral.v1` (referral_events.proto).
"""

from typing import TypeAlias, get_args

from services.referral.domain.events_errors import (
    EnteredInError,
    ErrorMarkLapsed,
    ErrorMarkRequested,
    ErrorMarkWithdrawn,
)
from services.referral.domain.events_journey import (
    BedHeld,
    BedHoldLapsed,
    BedOccupied,
    BedReleased,
    BedUnavailable,
    BypassGranted,
    CancellationRequested,
    FollowUpRecorded,
    OutcomeReportOverdue,
    PatientArrived,
    PatientDeparted,
    PatientDied,
    PatientDiverted,
    PatientNoShow,
    PatientReferredBack,
    ReferralCancelled,
    ReferralClosed,
    ReferralExpired,
    TransportArranged,
    TreatmentCompleted,
    TreatmentStarted,
)
from services.referral.domain.events_offers import (
    AcceptanceWithdrawn,
    ApprovalRefused,
    InformationProvided,
    InformationRequested,
    OfferAcknowledged,
    OfferDeclined,
    OfferLapsed,
    OfferOverdue,
    ReferralAccepted,
    ReferralApproved,
    ReferralRequested,
    ReferralRerouted,
)
from services.referral.domain.events_plan import (
    FollowUpMissed,
    OutcomeAcknowledged,
    PlanAmended,
    PlanEvent,
    StandingOrderOpened,
    StandingOrderOver,
    TaskCancelled,
    TaskCompleted,
    TaskMissed,
    TaskMissExplained,
)
from services.referral.domain.events_record import RecordCompleted, RecordLeftIncomplete, RecordOverdue
from services.referral.domain.events_results import ResultRepeated, ResultsAdded
from services.referral.domain.events_review import ReferralReviewed, ReviewNotDone, ReviewOverdue
from services.referral.domain.events_steps import (
    ArrivalEstimateChanged,
    ArrivalOverdue,
    BedAnswerOverdue,
    DepartureOverdue,
    NoShowUnresolved,
    StepEvent,
    StepOverdue,
    TreatmentOverdue,
    TreatmentStartOverdue,
)

__all__ = [
    "EVENTS",
    "AcceptanceWithdrawn",
    "ApprovalRefused",
    "ArrivalEstimateChanged",
    "ArrivalOverdue",
    "BedAnswerOverdue",
    "BedEvent",
    "BedHeld",
    "BedHoldLapsed",
    "BedOccupied",
    "BedReleased",
    "BedUnavailable",
    "BypassGranted",
    "CancellationRequested",
    "DepartureOverdue",
    "EnteredInError",
    "ErrorMarkLapsed",
    "ErrorMarkRequested",
    "ErrorMarkWithdrawn",
    "Event",
    "FollowUpMissed",
    "FollowUpRecorded",
    "InformationProvided",
    "InformationRequested",
    "NoShowUnresolved",
    "OfferAcknowledged",
    "OfferDeclined",
    "OfferLapsed",
    "OfferOverdue",
    "OutcomeAcknowledged",
    "OutcomeReportOverdue",
    "PatientArrived",
    "PatientDeparted",
    "PatientDied",
    "PatientDiverted",
    "PatientNoShow",
    "PatientReferredBack",
    "PlanAmended",
    "PlanEvent",
    "RecordCompleted",
    "RecordLeftIncomplete",
    "RecordOverdue",
    "ReferralAccepted",
    "ReferralApproved",
    "ReferralCancelled",
    "ReferralClosed",
    "ReferralExpired",
    "ReferralRequested",
    "ReferralRerouted",
    "ReferralReviewed",
    "ResultRepeated",
    "ResultsAdded",
    "ReviewNotDone",
    "ReviewOverdue",
    "StandingOrderOpened",
    "StandingOrderOver",
    "StepEvent",
    "StepOverdue",
    "TaskCancelled",
    "TaskCompleted",
    "TaskMissExplained",
    "TaskMissed",
    "TransportArranged",
    "TreatmentCompleted",
    "TreatmentOverdue",
    "TreatmentStartOverdue",
    "TreatmentStarted",
]

BedEvent: TypeAlias = BedHeld | BedUnavailable | BedHoldLapsed | BedOccupied | BedReleased

Event: TypeAlias = (
    ReferralRequested
    | ReferralApproved
    | ApprovalRefused
    | OfferAcknowledged
    | InformationRequested
    | InformationProvided
    | ReferralAccepted
    | OfferDeclined
    | OfferLapsed
    | OfferOverdue
    | ReferralRerouted
    | AcceptanceWithdrawn
    | BedEvent
    | BypassGranted
    | TransportArranged
    | PatientDeparted
    | PatientDiverted
    | PatientArrived
    | PatientNoShow
    | TreatmentStarted
    | TreatmentCompleted
    | OutcomeReportOverdue
    | PatientReferredBack
    | FollowUpRecorded
    | PlanEvent
    | ReferralClosed
    | CancellationRequested
    | ReferralCancelled
    | ReferralExpired
    | PatientDied
    | ErrorMarkRequested
    | ErrorMarkWithdrawn
    | ErrorMarkLapsed
    | EnteredInError
    | RecordCompleted
    | RecordOverdue
    | RecordLeftIncomplete
    | ReferralReviewed
    | ReviewOverdue
    | ReviewNotDone
    | ResultsAdded
    | ResultRepeated
    | StepEvent
)

EVENTS: tuple[type[Event], ...] = get_args(Event)
