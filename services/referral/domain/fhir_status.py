"""What the states are called in HL7 FHIR R4 and HL7 v2: for interfaces, and for the page generated from it.

A referral is a `ServiceRequest` (what the origin wants) with a `Task` for each offer (what a destination does
about it). The codes are those of the required value sets request-status and task-status; the finer state
goes beside them as `Task.businessStatus`, whose code is the state's own name. RF1-1 is the referral status of
a REF message (HL7 v2.5.1, table 0283); a cancellation is a message of its own there, REF^I14.
"""

from dataclasses import dataclass
from enum import StrEnum

from services.referral.domain.consultation_values import ConsultationState as C
from services.referral.domain.referral_values import OfferState as Offered
from services.referral.domain.referral_values import ReferralState as S


class RequestStatus(StrEnum):
    """`ServiceRequest.status` (hl7.org/fhir/R4/valueset-request-status)."""

    DRAFT = "draft"
    ACTIVE = "active"
    ON_HOLD = "on-hold"
    REVOKED = "revoked"
    COMPLETED = "completed"
    ENTERED_IN_ERROR = "entered-in-error"


class TaskStatus(StrEnum):
    """`Task.status` (hl7.org/fhir/R4/valueset-task-status)."""

    DRAFT = "draft"
    REQUESTED = "requested"
    RECEIVED = "received"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    IN_PROGRESS = "in-progress"
    ON_HOLD = "on-hold"
    FAILED = "failed"
    COMPLETED = "completed"
    ENTERED_IN_ERROR = "entered-in-error"


class Rf1Status(StrEnum):
    """RF1-1 referral status (HL7 table 0283)."""

    ACCEPTED = "A"
    PENDING = "P"
    REJECTED = "R"
    EXPIRED = "E"


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What one state is elsewhere. `Task.businessStatus` is the state itself."""

    request: RequestStatus
    #: of the present offer
    task: TaskStatus
    #: None where table 0283 has no code
    rf1: Rf1Status | None = None


def _standing(request: RequestStatus, task: TaskStatus, rf1: Rf1Status | None = None) -> Standing:
    return Standing(request=request, task=task, rf1=rf1)


_R, _T, _F = RequestStatus, TaskStatus, Rf1Status

REFERRAL: dict[S, Standing] = {
    S.AWAITING_APPROVAL: _standing(_R.DRAFT, _T.DRAFT, _F.PENDING),
    S.REQUESTED: _standing(_R.ACTIVE, _T.REQUESTED, _F.PENDING),
    # The destination looks into it; its questions travel as a Task of their own in FHIR workflows.
    S.INFO_REQUESTED: _standing(_R.ACTIVE, _T.RECEIVED, _F.PENDING),
    # The request stands: it may be re-routed.
    S.DECLINED: _standing(_R.ACTIVE, _T.REJECTED, _F.REJECTED),
    S.ACCEPTED: _standing(_R.ACTIVE, _T.ACCEPTED, _F.ACCEPTED),
    # Not `ready`: FHIR has that for work whose acceptance was never asked.
    S.TRANSPORT_ARRANGED: _standing(_R.ACTIVE, _T.ACCEPTED, _F.ACCEPTED),
    S.IN_TRANSIT: _standing(_R.ACTIVE, _T.IN_PROGRESS, _F.ACCEPTED),
    S.NO_SHOW: _standing(_R.ON_HOLD, _T.ON_HOLD, _F.ACCEPTED),
    S.ARRIVED: _standing(_R.ACTIVE, _T.IN_PROGRESS, _F.ACCEPTED),
    S.IN_TREATMENT: _standing(_R.ACTIVE, _T.IN_PROGRESS, _F.ACCEPTED),
    # The destination is done; the origin has yet to read the outcome and close.
    S.TREATED: _standing(_R.ACTIVE, _T.COMPLETED, _F.ACCEPTED),
    # The destination still stands by until it, or its deadline, confirms.
    S.CANCEL_REQUESTED: _standing(_R.ACTIVE, _T.ACCEPTED, _F.ACCEPTED),
    S.CLOSED: _standing(_R.COMPLETED, _T.COMPLETED, _F.ACCEPTED),
    S.CANCELLED: _standing(_R.REVOKED, _T.CANCELLED),
    S.EXPIRED: _standing(_R.REVOKED, _T.FAILED, _F.EXPIRED),
    S.DECEASED: _standing(_R.REVOKED, _T.CANCELLED),
    S.ENTERED_IN_ERROR: _standing(_R.ENTERED_IN_ERROR, _T.ENTERED_IN_ERROR),
}

#: The Task of one offer; an accepted one then goes on with its referral.
OFFERS: dict[Offered, TaskStatus] = {
    Offered.SENT: _T.REQUESTED,
    Offered.ACKNOWLEDGED: _T.RECEIVED,
    Offered.ACCEPTED: _T.ACCEPTED,
    Offered.DECLINED: _T.REJECTED,
    Offered.WITHDRAWN: _T.CANCELLED,
    Offered.LAPSED: _T.FAILED,
}

CONSULTATION: dict[C, Standing] = {
    C.REQUESTED: _standing(_R.ACTIVE, _T.REQUESTED),
    C.CLAIMED: _standing(_R.ACTIVE, _T.IN_PROGRESS),
    # With the requester, to be mended; the coded reason is Task.statusReason.
    C.RETURNED: _standing(_R.ACTIVE, _T.ON_HOLD),
    C.REPORTED: _standing(_R.COMPLETED, _T.COMPLETED),
    C.CANCELLED: _standing(_R.REVOKED, _T.CANCELLED),
}
