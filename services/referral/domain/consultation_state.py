"""The state of a consultation, and what follows from it alone."""

from dataclasses import dataclass
from datetime import datetime

from services.referral.domain.attachments import Attachment
from services.referral.domain.consultation_details import (
    EcgRequest,
    ImagingRequest,
    LaboratoryRequest,
    TeleconsultationRequest,
)
from services.referral.domain.consultation_transitions import (
    LIVE,
    DeadlineKind,
    Row,
    commands_allowed_in,
    deadline_rows,
)
from services.referral.domain.consultation_values import (
    ConsultationKind,
    ConsultationReport,
    ConsultationState,
    CriticalValueNotice,
    ExpertVisitState,
)
from services.referral.domain.values import CodedReason, Pathway, Urgency
from services.referral.domain.worklist import OPEN_PHASE
from services.shared.kernel.actor import Actor
from services.shared.kernel.command import Deadline


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
    #: what was sent, by kind
    ecg: EcgRequest | None = None
    imaging: ImagingRequest | None = None
    laboratory: LaboratoryRequest | None = None
    teleconsultation: TeleconsultationRequest | None = None
    #: set while the report has a critical value
    critical_value_notice: CriticalValueNotice | None = None
    #: of the report's expert visit; None when there is none
    expert_visit_state: ExpertVisitState | None = None
    expert_visit_held_at: datetime | None = None
    expert_visit_cancel_reason: CodedReason | None = None
    #: clinician who asked
    requested_by: Actor | None = None
    #: of a returned question; None in those of before there was such a limit
    resubmission_due_at: datetime | None = None
    resubmission_overdue: bool = False
    #: of a visit that is planned or confirmed; None in those of before there was such a limit
    expert_visit_due_at: datetime | None = None
    expert_visit_overdue: bool = False
    #: whose claim lapsed, until somebody claims again: may still report
    lapsed_claimer: Actor | None = None


def awaits_acknowledgement(state: Consultation) -> bool:
    """Whether the requester has a critical value to acknowledge."""
    return state.critical_value_notice is not None and not state.critical_value_notice.acknowledged


def open_deadlines(state: Consultation) -> tuple[tuple[Row, Deadline], ...]:
    """The deadlines that run, each with the row of the table that it takes.

    A key names its moment: the deadline of an earlier claim or promise never meets a later one.
    """
    due_at = {
        DeadlineKind.RESULT: None if state.overdue else state.due_at,
        DeadlineKind.CLAIM: state.claim_expires_at,
        DeadlineKind.CRITICAL_VALUE: _acknowledgement_due(state),
        DeadlineKind.RESUBMISSION: None if state.resubmission_overdue else state.resubmission_due_at,
        DeadlineKind.EXPERT_VISIT: None if state.expert_visit_overdue else state.expert_visit_due_at,
    }
    found = []
    for row in deadline_rows(state.state):
        moment = due_at[row.deadline] if row.deadline else None
        if row.deadline and moment:
            found.append((row, Deadline(key=f"{row.deadline}:{moment.isoformat()}", due_at=moment)))
        elif row.deadline and (old := _old_moment(state, row.deadline)):
            # The store writes what a change adds: this was there before it, but for the version in the key.
            key = f"{row.deadline}:{old.isoformat()}:{state.version}"
            found.append((row, Deadline(key=key, due_at=old)))
    return tuple(found)


def _old_moment(state: Consultation, kind: DeadlineKind) -> datetime | None:
    """What a trail of before there were such limits is held to: the centre's promise, the visit's time."""
    match kind:
        case DeadlineKind.RESUBMISSION if not state.resubmission_overdue:
            return state.due_at
        case DeadlineKind.EXPERT_VISIT if not state.expert_visit_overdue and visit_expected(state):
            visit = state.report.expert_visit if state.report else None
            return visit.visit_at if visit else None
    return None


def visit_expected(state: Consultation) -> bool:
    """Whether an expert's visit is planned or confirmed, and neither recorded nor cancelled."""
    return state.expert_visit_state in (ExpertVisitState.PLANNED, ExpertVisitState.CONFIRMED)


def visit_unrecorded(state: Consultation) -> bool:
    """Whether the day of an expert's visit has passed without a word."""
    return state.expert_visit_overdue and visit_expected(state)


def is_overdue(state: Consultation) -> bool:
    """Whether the result is, or came, late, or the requester is late."""
    returned = state.state is ConsultationState.RETURNED
    return state.overdue or (returned and state.resubmission_overdue) or visit_unrecorded(state)


def _acknowledgement_due(state: Consultation) -> datetime | None:
    notice = state.critical_value_notice
    return None if notice is None or notice.acknowledged or notice.overdue else notice.acknowledge_by


def deadlines(state: Consultation) -> tuple[Deadline, ...]:
    """The open deadlines: `result:…` once per promise, `claim:…` per claim, `critical-value:…` per notice,
    `resubmission:…` per return, `expert-visit:…` per visit."""
    return tuple(deadline for _, deadline in open_deadlines(state))


def allowed_commands(state: Consultation) -> tuple[str, ...]:
    """Names of the commands that the table allows now."""
    return commands_allowed_in(state.state, lapsed=state.lapsed_claimer is not None)


def waiting_for(state: Consultation) -> tuple[str, ...]:
    """The facility whose turn it is; none when it is nobody's."""
    if state.state in (ConsultationState.REQUESTED, ConsultationState.CLAIMED):
        return (state.centre_facility,)
    if state.state is ConsultationState.RETURNED or awaits_acknowledgement(state) or visit_unrecorded(state):
        return (state.requesting_facility,)
    return ()


def facets(state: Consultation) -> dict[str, str | bool | list[str]]:
    """What lists are filtered by. A critical value that waits is live, and a visit that nobody recorded:
    watch streams begin with them."""
    unacknowledged = awaits_acknowledgement(state)
    live = state.state in LIVE or unacknowledged or visit_unrecorded(state)
    claimed = state.state is ConsultationState.CLAIMED and state.claimed_by is not None
    return {
        "parties": sorted({state.requesting_facility, state.centre_facility}),
        "live": live,
        "phase": OPEN_PHASE if live else state.state.value,
        "state": state.state.value,
        "waiting": list(waiting_for(state)),
        "overdue": is_overdue(state),
        "episode": state.episode,
        "patient": state.patient,
        "pathway": state.pathway.value,
        "urgency": state.urgency.value,
        "kind": state.kind.value,
        "requesting": state.requesting_facility,
        "centre": state.centre_facility,
        "requested_by": state.requested_by.user if state.requested_by else "",
        "claimed_by": state.claimed_by.user if claimed and state.claimed_by else "",
        "unacknowledged": unacknowledged,
        "created": state.create_time.isoformat(),
    }
