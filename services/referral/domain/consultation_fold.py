"""The fold of a consultation's events. It reads the event and its metadata, and nothing else."""

from datetime import datetime
from typing import TypedDict

from services.referral.domain import consultation_events as events
from services.referral.domain.consultation_state import Consultation
from services.referral.domain.consultation_transitions import next_state
from services.referral.domain.consultation_values import (
    ConsultationState,
    CriticalValueNotice,
    ExpertVisitState,
)
from services.referral.domain.values import CodedReason
from services.shared.kernel.command import EventMetadata, Recorded
from services.shared.kernel.frozen import changed


def evolve(state: Consultation | None, recorded: Recorded[events.ConsultationEvent]) -> Consultation:
    """The state after one more event. Raises ValueError when a history does not begin with its request."""
    event, metadata = recorded.event, recorded.metadata
    if isinstance(event, events.ConsultationRequested):
        return _opened(event, metadata)
    if state is None:
        raise ValueError(f"{metadata.aggregate_id} begins with {metadata.type}")
    moved = changed(
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
        ecg=event.ecg,
        imaging=event.imaging,
        laboratory=event.laboratory,
        teleconsultation=event.teleconsultation,
        requested_by=metadata.actor,
    )


def _applied(state: Consultation, event: events.ConsultationEvent, metadata: EventMetadata) -> Consultation:
    match event:
        case events.ConsultationClaimed():
            return changed(
                state,
                claimed_by=metadata.actor,
                claim_expires_at=event.claim_expires_at,
                lapsed_claimer=None,
            )
        case events.ClaimReleased():
            # Who gives a claim up has no reading under way.
            lapsed = state.claimed_by if event.by_deadline else None
            return changed(state, claimed_by=None, claim_expires_at=None, lapsed_claimer=lapsed)
        case events.ConsultationReturned():
            return changed(
                state,
                claimed_by=None,
                claim_expires_at=None,
                return_reason=event.reason,
                resubmission_due_at=event.resubmission_due_at,
                resubmission_overdue=False,
            )
        case events.ResubmissionOverdue():
            return changed(state, resubmission_overdue=True)
        case events.ConsultationResubmitted():
            return changed(
                state,
                clinical_summary=event.clinical_summary,
                attachments=event.attachments,
                due_at=event.due_at,
                # a new promise: the old one's delay stays in the trail
                overdue=False,
                return_reason=None,
                resubmission_due_at=None,
                resubmission_overdue=False,
                ecg=event.ecg,
                imaging=event.imaging,
                laboratory=event.laboratory,
                teleconsultation=event.teleconsultation,
            )
        case events.ConsultationCancelled():
            return changed(state, cancel_reason=event.reason, lapsed_claimer=None)
        case events.ConsultationOverdue():
            return changed(state, overdue=True)
        case _:
            return _after_report(state, event, metadata)


def _after_report(
    state: Consultation, event: events.ConsultationEvent, metadata: EventMetadata
) -> Consultation:
    match event:
        case events.ConsultationReported():
            return changed(
                state,
                report=event.report,
                report_time=metadata.recorded_at,
                # the same person, but for one whose claim had lapsed
                claimed_by=metadata.actor,
                claim_expires_at=None,
                lapsed_claimer=None,
                # late all the same when the report came in just before the deadline was looked at
                overdue=state.overdue or metadata.recorded_at > state.due_at,
                critical_value_notice=event.critical_value_notice,
                expert_visit_state=ExpertVisitState.PLANNED if event.report.expert_visit else None,
                expert_visit_due_at=event.expert_visit_due_at,
            )
        case events.ReportAmended():
            return changed(
                state,
                report=event.report,
                report_time=metadata.recorded_at,
                amendments=state.amendments + 1,
                critical_value_notice=event.critical_value_notice,
                **_visit_amended(state, event),
            )
        case events.CriticalValueAcknowledged() | events.CriticalValueOverdue():
            return changed(state, critical_value_notice=_noticed(state, event, metadata))
        case events.ExpertVisitConfirmed():
            return changed(state, expert_visit_state=ExpertVisitState.CONFIRMED)
        case events.ExpertVisitHeld():
            return changed(
                state,
                expert_visit_state=ExpertVisitState.HELD,
                expert_visit_held_at=event.held_at,
                expert_visit_due_at=None,
            )
        case events.ExpertVisitOverdue():
            return changed(state, expert_visit_overdue=True)
        case events.ExpertVisitCancelled():
            return changed(
                state,
                expert_visit_state=ExpertVisitState.CANCELLED,
                expert_visit_cancel_reason=event.reason,
                expert_visit_due_at=None,
            )
    raise ValueError(f"{metadata.aggregate_id}: {type(event).__name__} cannot follow {state.state}")


class _VisitChanges(TypedDict):
    expert_visit_state: ExpertVisitState | None
    expert_visit_held_at: datetime | None
    expert_visit_cancel_reason: CodedReason | None
    expert_visit_due_at: datetime | None
    expert_visit_overdue: bool


def _visit_amended(state: Consultation, event: events.ReportAmended) -> _VisitChanges:
    """A visit that is planned anew has neither been held nor cancelled."""
    kept = event.expert_visit_state is state.expert_visit_state
    return _VisitChanges(
        expert_visit_state=event.expert_visit_state,
        expert_visit_held_at=state.expert_visit_held_at if kept else None,
        expert_visit_cancel_reason=state.expert_visit_cancel_reason if kept else None,
        expert_visit_due_at=event.expert_visit_due_at,
        # Another day is waited for anew.
        expert_visit_overdue=state.expert_visit_overdue
        and event.expert_visit_due_at == state.expert_visit_due_at,
    )


def _noticed(
    state: Consultation,
    event: events.CriticalValueAcknowledged | events.CriticalValueOverdue,
    metadata: EventMetadata,
) -> CriticalValueNotice:
    notice = state.critical_value_notice
    if notice is None:
        raise ValueError(f"{metadata.aggregate_id} has no critical value")
    if isinstance(event, events.CriticalValueOverdue):
        return changed(notice, overdue=True)
    return changed(
        notice,
        acknowledged=True,
        acknowledged_by=metadata.actor,
        acknowledged_at=metadata.recorded_at,
        handling=event.handling,
        # late all the same when it came in just before the deadline was looked at
        overdue=notice.overdue or metadata.recorded_at > notice.acknowledge_by,
    )
