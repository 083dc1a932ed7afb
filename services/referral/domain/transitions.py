"""The state table of a referral: the only place that says what may follow what.

Decisions, allowed commands, the state after an event, the documentation and the property tests all come
from `TABLE`. Source: docs/domain.md, "Referral: the state machine".

Where the table there is silent:
- a decline or lapse while another destination's question waits for an answer keeps INFO_REQUESTED;
- where several are asked at once, one's question does not silence the others: they acknowledge and ask too,
  and one answer of the origin's is for every question that waits;
- the bed service's events are followed in every state with a destination, not only before departure: a bed
  may be held for a patient on the road, and is occupied after arrival;
- deadlines that only alert have rows of their own;
- where nobody could be asked (the destinations left the directory meanwhile) it is DECLINED, which can be
  re-routed and expires, and never REQUESTED of nobody, which would wait for ever;
- what left the county without approval is reviewed afterwards in every state with a destination. The review
  moves no state and stops nobody: a referral that ends with an open one says so (`decide_review.py`).
"""

from services.referral.domain import commands as c
from services.referral.domain import events as e
from services.referral.domain import guards as g
from services.referral.domain import parties as p
from services.referral.domain.referral_values import ReferralState as S
from services.referral.domain.transition_row import (
    ESCALATION_EXHAUSTED,
    NEEDS_APPROVAL,
    NOBODY_ASKED,
    Outcome,
    Row,
    moves_on,
    row,
    to,
)
from services.referral.domain.transitions_bypass import BYPASS_ROWS
from services.referral.domain.transitions_errors import ERROR_ROWS
from services.referral.domain.transitions_plan import PLAN_ROWS
from services.referral.domain.transitions_record import NON_TERMINAL, RECORD_ROWS
from services.referral.domain.transitions_steps import STEP_ROWS

_ASKED = (S.REQUESTED, S.INFO_REQUESTED)
_BEFORE_DEPARTURE = (S.ACCEPTED, S.TRANSPORT_ARRANGED)
_UNANSWERED = (S.AWAITING_APPROVAL, S.REQUESTED, S.INFO_REQUESTED, S.DECLINED)
#: States with a destination: the bed service's word is followed, and leaving the county is reviewed.
BED_FOLLOWED = (
    *_BEFORE_DEPARTURE,
    S.NO_SHOW,
    S.IN_TRANSIT,
    S.CANCEL_REQUESTED,
    S.ARRIVED,
    S.IN_TREATMENT,
    S.TREATED,
)

_REQUEST_ROWS = (
    row(
        (None,),
        c.CreateReferral,
        (p.ORIGIN_CLINICIAN,),
        Outcome(event=e.ReferralRequested, to=S.AWAITING_APPROVAL, when=NEEDS_APPROVAL),
        Outcome(event=e.ReferralRequested, to=S.DECLINED, when=NOBODY_ASKED),
        to(e.ReferralRequested, S.REQUESTED),
        norms=True,
    ),
    row(
        (S.AWAITING_APPROVAL,),
        c.ApproveReferral,
        (p.APPROVER,),
        Outcome(event=e.ReferralApproved, to=S.DECLINED, when=NOBODY_ASKED),
        to(e.ReferralApproved, S.REQUESTED),
    ),
    row(
        (S.AWAITING_APPROVAL,),
        c.RefuseApproval,
        (p.APPROVER,),
        to(e.ApprovalRefused, S.DECLINED),
        guards=(g.REASON,),
    ),
    row(
        BED_FOLLOWED,
        c.ReviewReferral,
        (p.APPROVER,),
        to(e.ReferralReviewed),
        guards=(g.REVIEW_OPEN, g.REASON),
    ),
    row(BED_FOLLOWED, c.MeetDeadline, (p.SYSTEM,), to(e.ReviewOverdue)),
    row(_ASKED, c.AcknowledgeOffer, (p.ASKED,), to(e.OfferAcknowledged), guards=(g.OFFER_OPEN,)),
    row(
        _ASKED,
        c.RequestInformation,
        (p.ASKED,),
        to(e.InformationRequested, S.INFO_REQUESTED),
        guards=(g.OFFER_OPEN, g.QUESTIONS),
    ),
    row(
        (S.INFO_REQUESTED,),
        c.ProvideInformation,
        (p.ORIGIN,),
        to(e.InformationProvided, S.REQUESTED),
        guards=(g.ANSWERS,),
    ),
    row(
        _ASKED,
        c.AcceptReferral,
        (p.ASKED_CLINICIAN,),
        to(e.ReferralAccepted, S.ACCEPTED),
        guards=(g.OFFER_OPEN, g.CLINICIAN_NAMED, g.BYPASS_FITS),
    ),
    row(
        (S.REQUESTED,),
        c.DeclineReferral,
        (p.ASKED,),
        *moves_on(e.OfferDeclined),
        guards=(g.OFFER_OPEN, g.REASON),
    ),
    row(
        (S.INFO_REQUESTED,),
        c.DeclineReferral,
        (p.ASKED,),
        *moves_on(e.OfferDeclined, question=True),
        guards=(g.OFFER_OPEN, g.REASON),
    ),
    row(
        (S.DECLINED,),
        c.RerouteReferral,
        (p.ORIGIN, p.COORDINATOR),
        to(e.ReferralRerouted, S.REQUESTED),
        guards=(g.HOPS_LEFT,),
        norms=True,
    ),
    row(
        _BEFORE_DEPARTURE,
        c.WithdrawAcceptance,
        (p.DESTINATION,),
        *moves_on(e.AcceptanceWithdrawn),
        guards=(g.REASON,),
    ),
    row(_ASKED, c.MeetDeadline, (p.SYSTEM,), to(e.OfferOverdue)),
    row((S.REQUESTED,), c.MeetDeadline, (p.SYSTEM,), *moves_on(e.OfferLapsed)),
    row((S.INFO_REQUESTED,), c.MeetDeadline, (p.SYSTEM,), *moves_on(e.OfferLapsed, question=True)),
    row(
        _UNANSWERED,
        c.MeetDeadline,
        (p.SYSTEM,),
        to(e.RecordLeftIncomplete),
        Outcome(event=e.ReferralExpired, to=S.EXPIRED, when=ESCALATION_EXHAUSTED),
    ),
)

_JOURNEY_ROWS = (
    row(
        BED_FOLLOWED,
        c.FollowBed,
        (p.SYSTEM,),
        to(e.BedHeld),
        to(e.BedUnavailable),
        to(e.BedHoldLapsed),
        to(e.BedOccupied),
        to(e.BedReleased),
    ),
    row(
        (S.ACCEPTED, S.NO_SHOW),
        c.ArrangeTransport,
        (p.ORIGIN, p.AMBULANCE),
        to(e.TransportArranged, S.TRANSPORT_ARRANGED),
        guards=(g.BED_READY, g.BYPASS_GRANTED, g.CREW_FITS),
    ),
    row(
        _BEFORE_DEPARTURE,
        c.DepartPatient,
        (p.ORIGIN, p.AMBULANCE),
        to(e.PatientDeparted, S.IN_TRANSIT),
        guards=(g.BED_READY, g.BYPASS_GRANTED, g.TRANSPORT_KNOWN, g.CREW_FITS, g.HANDED_OVER, g.FILED),
    ),
    row(
        (S.IN_TRANSIT,),
        c.DivertPatient,
        (p.AMBULANCE, p.COORDINATOR),
        to(e.PatientDiverted, S.IN_TRANSIT),
        guards=(g.REASON, g.ELSEWHERE),
    ),
    row(
        (*_BEFORE_DEPARTURE, S.IN_TRANSIT, S.CANCEL_REQUESTED),
        c.ReportArrival,
        (p.DESTINATION_RECEPTION,),
        to(e.PatientArrived, S.ARRIVED),
        guards=(g.IDENTITY,),
    ),
    row(
        _BEFORE_DEPARTURE,
        c.ReportNoShow,
        (p.DESTINATION_RECEPTION,),
        to(e.PatientNoShow, S.NO_SHOW),
        guards=(g.WINDOW_PASSED,),
    ),
)

_CARE_ROWS = (
    row((S.ARRIVED,), c.StartTreatment, (p.DESTINATION,), to(e.TreatmentStarted, S.IN_TREATMENT)),
    row(
        (S.ARRIVED, S.IN_TREATMENT),
        c.CompleteTreatment,
        (p.DESTINATION,),
        to(e.TreatmentCompleted, S.TREATED),
        guards=(g.DISCHARGE_SUMMARY,),
    ),
    row((S.TREATED,), c.MeetDeadline, (p.SYSTEM,), to(e.OutcomeReportOverdue)),
    row(
        (S.TREATED,),
        c.ReferBack,
        (p.DESTINATION,),
        to(e.PatientReferredBack, S.TREATED),
        guards=(g.PLAN_COMPLETE, g.DOWNWARD, g.NOT_REFERRED_BACK),
        norms=True,
    ),
    row(
        (S.ARRIVED, S.IN_TREATMENT, S.TREATED),
        c.RecordFollowUp,
        (p.CUSTODIAN,),
        to(e.FollowUpRecorded),
        down_only=True,
    ),
    row(
        (S.TREATED,),
        c.CloseReferral,
        (p.ORIGIN,),
        to(e.ReviewNotDone),
        to(e.RecordLeftIncomplete),
        to(e.ReferralClosed, S.CLOSED),
        guards=(g.REPORT_ACKNOWLEDGED, g.CHILD_FOLLOWED_UP, g.TASKS_SETTLED, g.NO_STANDING),
    ),
)

_END_ROWS = (
    row(
        (*_UNANSWERED, S.NO_SHOW),
        c.CancelReferral,
        (p.ORIGIN,),
        to(e.RecordLeftIncomplete),
        to(e.ReferralCancelled, S.CANCELLED),
        guards=(g.REASON,),
    ),
    row(
        _BEFORE_DEPARTURE,
        c.CancelReferral,
        (p.ORIGIN,),
        to(e.CancellationRequested, S.CANCEL_REQUESTED),
        guards=(g.REASON,),
    ),
    row(
        (S.CANCEL_REQUESTED,),
        c.ConfirmCancellation,
        (p.DESTINATION,),
        to(e.RecordLeftIncomplete),
        to(e.ReferralCancelled, S.CANCELLED),
    ),
    row(
        (S.CANCEL_REQUESTED,),
        c.MeetDeadline,
        (p.SYSTEM,),
        to(e.RecordLeftIncomplete),
        to(e.ReferralCancelled, S.CANCELLED),
    ),
    row(
        NON_TERMINAL,
        c.RecordDeath,
        (p.CUSTODIAN,),
        to(e.ReviewNotDone),
        to(e.RecordLeftIncomplete),
        to(e.PatientDied, S.DECEASED),
        guards=(g.CERTIFIER,),
    ),
)

TABLE: tuple[Row, ...] = (
    *_REQUEST_ROWS,
    *BYPASS_ROWS,
    *_JOURNEY_ROWS,
    *STEP_ROWS,
    *_CARE_ROWS,
    *PLAN_ROWS,
    *_END_ROWS,
    *ERROR_ROWS,
    *RECORD_ROWS,
)
