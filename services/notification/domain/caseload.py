"""Referrals and questions under way, as this service hears of them: what those who come on duty take over."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.notification.domain.occurrence import Occurrence
from services.notification.domain.subject_state import SubjectState
from services.notification.domain.values import Pathway, Urgency


class CasePhase(StrEnum):
    """How far a referral or question is, coarse enough to be said at a hand-over."""

    REQUESTED = "REQUESTED"
    DECLINED = "DECLINED"
    ACCEPTED = "ACCEPTED"
    IN_TRANSIT = "IN_TRANSIT"
    ARRIVED = "ARRIVED"
    #: a clinician of the centre has taken a question
    CLAIMED = "CLAIMED"
    #: back with who asked it
    RETURNED = "RETURNED"
    #: nothing is left to hand over
    OVER = "OVER"


_PHASES: Mapping[str, CasePhase] = {
    "ReferralRequested": CasePhase.REQUESTED,
    "ReferralRerouted": CasePhase.REQUESTED,
    "AcceptanceWithdrawn": CasePhase.REQUESTED,
    "ApprovalRefused": CasePhase.DECLINED,
    "ReferralAccepted": CasePhase.ACCEPTED,
    "PatientDeparted": CasePhase.IN_TRANSIT,
    "PatientArrived": CasePhase.ARRIVED,
    "TreatmentCompleted": CasePhase.OVER,
    "ReferralClosed": CasePhase.OVER,
    "ReferralCancelled": CasePhase.OVER,
    "ReferralExpired": CasePhase.OVER,
    "PatientDied": CasePhase.OVER,
    "EnteredInError": CasePhase.OVER,
    "ConsultationRequested": CasePhase.REQUESTED,
    "ConsultationResubmitted": CasePhase.REQUESTED,
    "ClaimReleased": CasePhase.REQUESTED,
    "ConsultationClaimed": CasePhase.CLAIMED,
    "ConsultationReturned": CasePhase.RETURNED,
    "ConsultationReported": CasePhase.OVER,
    "ConsultationCancelled": CasePhase.OVER,
}

#: Aggregates that are cases.
CASE_KINDS = frozenset({"referral", "consultation"})
#: When somebody is expected at a time.
_EXPECTED = frozenset({CasePhase.ACCEPTED, CasePhase.IN_TRANSIT})
_OVERDUE = "Overdue"


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseUnderWay:
    """One referral or question. It has no patient, only what the events say of the way."""

    #: `referrals/{uuid}` or `consultations/{uuid}`
    name: str
    #: of the latest event seen
    version: int
    phase: CasePhase
    opened_at: datetime
    pathway: Pathway | None = None
    urgency: Urgency | None = None
    #: who sends or asks
    from_facility: str = ""
    #: who receives or answers; of an open offer while none is accepted
    to_facility: str = ""
    #: expected arrival, or when the answer is due; None when neither is known
    due_at: datetime | None = None
    #: something on it was told to be late, and nothing has moved since
    told_overdue: bool = False
    #: facilities whose hand-over it belongs to
    facilities: tuple[str, ...] = ()


#: Fields of a case that the resource does not show.
CASE_INTERNAL_FIELDS = frozenset({"version", "told_overdue", "facilities"})


def follow(before: CaseUnderWay | None, occurrence: Occurrence, subject: SubjectState) -> CaseUnderWay | None:
    """The case after one more event; None for what is no case. An event that was seen changes nothing."""
    if occurrence.aggregate_kind not in CASE_KINDS or (before and occurrence.version <= before.version):
        return before
    moved = _PHASES.get(occurrence.event_type)
    phase = moved or (before.phase if before else CasePhase.REQUESTED)
    late = occurrence.event_type.endswith(_OVERDUE)
    sender = subject.origin_facility or subject.requesting_facility
    receiver = subject.destination_facility or subject.centre_facility
    offered = tuple(offer.facility for offer in subject.open_offers)
    expected = subject.estimated_arrival_time if phase in _EXPECTED else None
    return CaseUnderWay(
        name=occurrence.aggregate_id,
        version=occurrence.version,
        phase=phase,
        opened_at=before.opened_at if before else occurrence.recorded_at,
        pathway=subject.pathway,
        urgency=subject.urgency,
        from_facility=sender,
        to_facility=receiver or (offered[0] if offered else ""),
        due_at=subject.due_at if occurrence.aggregate_kind == "consultation" else expected,
        told_overdue=late or (moved is None and before is not None and before.told_overdue),
        facilities=tuple(dict.fromkeys(each for each in (sender, receiver, *offered) if each)),
    )


def is_over(case: CaseUnderWay) -> bool:
    """Whether nothing is left to hand over."""
    return case.phase is CasePhase.OVER


def is_overdue(case: CaseUnderWay, at: datetime) -> bool:
    """Whether it is late at a moment: it was told to be, or what was expected has not come."""
    return case.told_overdue or (case.due_at is not None and case.due_at < at)
