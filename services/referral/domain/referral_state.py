"""The state of a referral: the fold of its events, and what follows from it alone."""

from dataclasses import dataclass
from datetime import datetime

from services.referral.domain.examination_results import ExaminationResult, ResultRepeat
from services.referral.domain.readers import crews_of
from services.referral.domain.record_values import RecordCompletion, TransferRecord
from services.referral.domain.referral_values import (
    AcceptingClinician,
    BedAssignment,
    BedRegion,
    ClinicalSummary,
    Consent,
    DischargeSummary,
    Dispatch,
    FollowUp,
    InformationExchange,
    Offer,
    OfferState,
    ReferralState,
    RuleResult,
    Transport,
)
from services.referral.domain.rehabilitation import RehabilitationPlan
from services.referral.domain.review_values import ErrorMark, RetrospectiveReview, ReviewState
from services.referral.domain.values import BedType, CodedReason, Direction, Pathway, Scope, Urgency

TERMINAL = frozenset(
    {
        ReferralState.CLOSED,
        ReferralState.CANCELLED,
        ReferralState.EXPIRED,
        ReferralState.DECEASED,
        ReferralState.ENTERED_IN_ERROR,
    }
)

OPEN_OFFER = frozenset({OfferState.SENT, OfferState.ACKNOWLEDGED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Referral:
    """One move of a patient from an origin to a destination. FHIR `ServiceRequest`.

    The first block has the resource's fields by their names; what follows `INTERNAL_FIELDS` says is kept for
    decisions and deadlines and is not shown.
    """

    name: str
    version: int
    episode: str
    #: pseudonym
    patient: str
    state: ReferralState
    direction: Direction
    scope: Scope
    urgency: Urgency
    pathway: Pathway
    #: id of the agreement that lets the patient skip queues; empty when there is none
    green_channel: str
    origin_facility: str
    #: of the accepted offer; while none is accepted, of the first open one, else of the latest
    destination_facility: str
    #: who has the patient now
    custodian_facility: str
    dispatch: Dispatch
    offers: tuple[Offer, ...]
    #: to be offered next, in order
    next_destinations: tuple[str, ...]
    hop_count: int = 0
    bed_type: BedType | None
    bed_region: BedRegion
    bed: BedAssignment | None = None
    clinical_summary: ClinicalSummary
    consent: Consent
    norms: tuple[RuleResult, ...]
    #: an emergency out of the county is reviewed afterwards
    approval_in_retrospect: bool
    insurance_filing_number: str = ""
    transport: Transport | None = None
    estimated_arrival_time: datetime | None = None
    accepting_clinician: AcceptingClinician | None = None
    information: tuple[InformationExchange, ...] = ()
    discharge_summary: DischargeSummary | None = None
    rehabilitation_plan: RehabilitationPlan | None
    follow_ups: tuple[FollowUp, ...] = ()
    #: the referral that this one continues
    parent: str
    #: the referral back to the grassroots
    referred_back_to: str = ""
    #: the referral upward that a red flag opened
    reopened_as: str = ""
    #: why it ended, when it ended before treatment
    end_reason: CodedReason | None = None
    create_time: datetime
    update_time: datetime
    consultation: str
    #: for the present destination
    insurance_filing_needed: bool
    #: whose referral office approves; empty when no approval is needed
    approval_facility: str
    #: the last moment for an answer when nobody answers; None once a destination accepts
    expires_at: datetime | None
    #: the destination takes the patient without a held bed
    emergency_room_bypass: bool = False
    record: TransferRecord | None = None
    #: elements of the record that are asked for and not there
    missing_elements: tuple[str, ...] = ()
    #: a record that began incomplete is to be complete by then
    record_due_at: datetime | None = None
    #: since when nothing is missing
    record_completed_at: datetime | None = None
    #: the limit passed with the record incomplete
    record_overdue: bool = False
    #: it ended, and the record still lacked what it was given time for
    record_left_incomplete: bool = False
    record_completions: tuple[RecordCompletion, ...] = ()
    #: that travel with the patient
    results: tuple[ExaminationResult, ...] = ()
    #: those that a destination made again
    result_repeats: tuple[ResultRepeat, ...] = ()
    #: clinical times of the journey's steps
    requested_at: datetime | None = None
    accepted_at: datetime | None = None
    departed_at: datetime | None = None
    arrived_at: datetime | None = None
    treated_at: datetime | None = None
    #: when the origin acknowledged the outcome report; None while it has not
    outcome_acknowledged_at: datetime | None = None
    #: of leaving the county without approval; None when it does not
    review: RetrospectiveReview | None = None
    #: the standing order that runs on it; empty when none does
    standing_order: str = ""
    #: until when the next step after acceptance is due; None where none is, after the last reminder, and
    #: for a step of before there were such limits
    next_step_due_at: datetime | None = None
    #: how often people were reminded of it
    next_step_reminders: int = 0

    #: why the destination takes the patient by the emergency room; None when it does not
    bypass_reason: CodedReason | None = None
    #: that the origin calls it an error, and nobody else has yet
    error_mark: ErrorMark | None = None

    #: the lead facility let it leave the county
    approved: bool = False
    #: a destination accepted it at some time: from then on an error needs a second approver
    was_accepted: bool = False
    #: until when the destination holds itself ready; a no-show or an overdue arrival begins here
    hold_until: datetime | None = None
    arrival_overdue: bool = False
    #: until when the bed service is to answer
    bed_answer_due_at: datetime | None = None
    bed_answer_overdue: bool = False
    report_due_at: datetime | None = None
    outcome_report_overdue: bool = False
    #: when an unanswered cancellation is confirmed by itself
    confirm_by: datetime | None = None
    #: ambulance service that last acted on it, which is not the origin or destination
    ambulance_facility: str = ""
    #: pathway of the referral that a red flag would open
    reopening_pathway: Pathway


#: Fields of `Referral` that the resource does not show.
INTERNAL_FIELDS = frozenset(
    {
        "approved",
        "was_accepted",
        "hold_until",
        "arrival_overdue",
        "bed_answer_due_at",
        "bed_answer_overdue",
        "report_due_at",
        "outcome_report_overdue",
        "confirm_by",
        "ambulance_facility",
        "reopening_pathway",
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferralEnvelope:
    """What stands beside each event's payload in `ReferralEvent`: whom it concerns, as of after it."""

    episode: str
    patient: str
    origin_facility: str
    destination_facility: str
    custodian_facility: str
    approval_facility: str
    state: ReferralState
    urgency: Urgency
    pathway: Pathway
    direction: Direction
    scope: Scope
    green_channel: str


def envelope(state: Referral) -> ReferralEnvelope:
    """Whom an event concerns, from the state after it."""
    return ReferralEnvelope(
        episode=state.episode,
        patient=state.patient,
        origin_facility=state.origin_facility,
        destination_facility=state.destination_facility,
        custodian_facility=state.custodian_facility,
        approval_facility=state.approval_facility,
        state=state.state,
        urgency=state.urgency,
        pathway=state.pathway,
        direction=state.direction,
        scope=state.scope,
        green_channel=state.green_channel,
    )


def is_terminal(state: Referral) -> bool:
    """Whether it accepts nothing any more but MarkEnteredInError."""
    return state.state in TERMINAL


def is_live(state: Referral) -> bool:
    """Whether it is the one live referral of its episode (norm ONE_LIVE).

    One that waits for its child (referred back, or reopened by a red flag) is superseded: it must not keep
    the child, or what follows the child, from being the live one.
    """
    return not (is_terminal(state) or state.referred_back_to or state.reopened_as)


def open_review(state: Referral) -> RetrospectiveReview | None:
    """The review that waits to be done."""
    review = state.review
    return review if review is not None and review.state is ReviewState.PENDING else None


#: States in which the patient has not left the origin.
NOT_DEPARTED = frozenset(
    {
        ReferralState.AWAITING_APPROVAL,
        ReferralState.REQUESTED,
        ReferralState.INFO_REQUESTED,
        ReferralState.DECLINED,
        ReferralState.ACCEPTED,
        ReferralState.TRANSPORT_ARRANGED,
        ReferralState.CANCEL_REQUESTED,
        ReferralState.NO_SHOW,
    }
)


def ended_before_departure(before: Referral, after: Referral) -> bool:
    """Whether this change ended the referral with the patient still at the origin, or says it never was."""
    if after.state is before.state or after.state not in TERMINAL:
        return False
    return before.state in NOT_DEPARTED or after.state is ReferralState.ENTERED_IN_ERROR


#: States in which the patient waits for an ambulance or is in it: any service of the origin's may act.
WITH_CREWS = frozenset(
    {
        ReferralState.ACCEPTED,
        ReferralState.TRANSPORT_ARRANGED,
        ReferralState.NO_SHOW,
        ReferralState.IN_TRANSIT,
    }
)


def facilities_on(state: Referral) -> tuple[str, ...]:
    """Facilities that take part, without repetition.

    A destination that declined keeps its part: what it was asked and answered is its record too.
    """
    found = [state.origin_facility, state.approval_facility, state.ambulance_facility]
    found.extend([offer.facility for offer in state.offers])
    return tuple([facility for facility in dict.fromkeys(found) if facility])


def parties(state: Referral) -> tuple[str, ...]:
    """Who may read it: its facilities, and while he waits to be carried the crews that serve the origin.

    A crew that nobody named and that did nothing has no part any more once he has arrived.
    """
    crews = (crews_of(state.origin_facility),) if state.state in WITH_CREWS else ()
    return facilities_on(state) + crews
