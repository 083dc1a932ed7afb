"""The state of a consultation and its fold."""

from dataclasses import dataclass, replace
from datetime import datetime

from services.referral.domain import consultation_events as events
from services.referral.domain.consultation_transitions import (
    LIVE,
    DeadlineKind,
    Row,
    commands_allowed_in,
    deadline_rows,
    next_state,
)
from services.referral.domain.consultation_values import (
    Attachment,
    ConsultationKind,
    ConsultationReport,
    ConsultationState,
)
from services.referral.domain.values import CodedReason, Pathway, Urgency
from services.shared.kernel.actor import Actor
from services.shared.kernel.command import Deadline, EventMetadata, Recorded


@dataclass(frozen=True, kw_only=True, slots=True)
class Consultation:
    """A question that travels instead of the patient: the fold of its events."""

    #: `consultations/{uuid}`
    name: str
    version: int
    episode: str
    #: pseudonym
    patient: str
    state: ConsultationState
    kind: ConsultationKind
    urgency: Urgency
    pathway: Pathway
    requesting_facility: str
    centre_facility: str
    question: str
    clinical_summary: str
    attachments: tuple[Attachment, ...]
    #: the clinician of the centre who answers; kept after the report
    claimed_by: Actor | None
    claim_expires_at: datetime | None
    #: when the result is due
    due_at: datetime
    #: the result is, or came, later than promised
    overdue: bool
    report: ConsultationReport | None
    #: when the report, in its latest wording, reached the requester
    report_time: datetime | None
    #: how often the report was amended
    amendments: int
    return_reason: CodedReason | None
    cancel_reason: CodedReason | None
    create_time: datetime
    update_time: datetime


def evolve(state: Consultation | None, recorded: Recorded[events.ConsultationEvent]) -> Consultation:
    """The state after one more event. Raises ValueError when a history does not begin with its request."""
    event, metadata = recorded.event, recorded.metadata
    if isinstance(event, events.ConsultationRequested):
        return _opened(event, metadata)
    if state is None:
        raise ValueError(f"{metadata.aggregate_id} begins with {metadata.type}")
    moved = replace(
        state,
        version=metadata.version,
        state=next_state(state.state, type(event)),
        update_time=metadata.recorded_at,
    )
    return _applied(moved, event, metadata)


def _opened(event: events.ConsultationRequested, metadata: EventMetadata) -> Consultation:
    return Consultation(
        name=metadata.aggregate_id,
        version=metadata.version,
        episode=event.episode,
        patient=event.patient,
        state=ConsultationState.REQUESTED,
        kind=event.kind,
        urgency=event.urgency,
        pathway=event.pathway,
        requesting_facility=event.requesting_facility,
        centre_facility=event.centre_facility,
        question=event.question,
        clinical_summary=event.clinical_summary,
        attachments=event.attachments,
        claimed_by=None,
        claim_expires_at=None,
        due_at=event.due_at,
        overdue=False,
        report=None,
        report_time=None,
        amendments=0,
        return_reason=None,
        cancel_reason=None,
        create_time=metadata.recorded_at,
        update_time=metadata.recorded_at,
    )


def _applied(state: Consultation, event: events.ConsultationEvent, metadata: EventMetadata) -> Consultation:
    match event:
        case events.ConsultationClaimed():
            return replace(state, claimed_by=metadata.actor, claim_expires_at=event.claim_expires_at)
        case events.ClaimReleased():
            return replace(state, claimed_by=None, claim_expires_at=None)
        case events.ConsultationReturned():
            return replace(state, claimed_by=None, claim_expires_at=None, return_reason=event.reason)
        case events.ConsultationResubmitted():
            return replace(
                state,
                clinical_summary=event.clinical_summary,
                attachments=event.attachments,
                due_at=event.due_at,
                # a new promise: the old one's delay stays in the trail
                overdue=False,
                return_reason=None,
            )
        case events.ConsultationReported():
            return replace(
                state,
                report=event.report,
                report_time=metadata.recorded_at,
                claim_expires_at=None,
                # late all the same when the report came in just before the deadline was looked at
                overdue=state.overdue or metadata.recorded_at > state.due_at,
            )
        case events.ReportAmended():
            return replace(
                state,
                report=event.report,
                report_time=metadata.recorded_at,
                amendments=state.amendments + 1,
            )
        case events.ConsultationCancelled():
            return replace(state, cancel_reason=event.reason)
        case events.ConsultationOverdue():
            return replace(state, overdue=True)
        case events.ConsultationRequested():
            raise ValueError(f"{metadata.aggregate_id} is requested twice")


def open_deadlines(state: Consultation) -> tuple[tuple[Row, Deadline], ...]:
    """The deadlines that run, each with the row of the table that it takes.

    A key names its moment: the deadline of an earlier claim or promise never meets a later one.
    """
    due_at = {
        DeadlineKind.RESULT: None if state.overdue else state.due_at,
        DeadlineKind.CLAIM: state.claim_expires_at,
    }
    found = []
    for row in deadline_rows(state.state):
        moment = due_at[row.deadline] if row.deadline else None
        if row.deadline and moment:
            found.append((row, Deadline(key=f"{row.deadline}:{moment.isoformat()}", due_at=moment)))
    return tuple(found)


def deadlines(state: Consultation) -> tuple[Deadline, ...]:
    """The open deadlines: `result:…` once per promise, `claim:…` once per claim."""
    return tuple(deadline for _, deadline in open_deadlines(state))


def allowed_commands(state: Consultation) -> tuple[str, ...]:
    """Names of the commands that the table allows now."""
    return commands_allowed_in(state.state)


def facets(state: Consultation) -> dict[str, str | bool | list[str]]:
    """What lists are filtered by."""
    return {
        "parties": sorted({state.requesting_facility, state.centre_facility}),
        "live": state.state in LIVE,
        "state": state.state.value,
        "episode": state.episode,
        "kind": state.kind.value,
    }
