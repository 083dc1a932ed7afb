"""What the events of the record change in a referral."""

from collections.abc import Callable
from typing import Any

from services.referral.domain import events as e
from services.referral.domain.fold_offers import Changes
from services.referral.domain.record_values import RecordCompletion
from services.referral.domain.referral_state import Referral
from services.shared.kernel.command import EventMetadata


def record_begun(event: e.ReferralRequested, metadata: EventMetadata) -> Changes:
    """A referral of before there were records says nothing of being complete."""
    complete = event.record is not None and not event.missing_elements
    return {
        "record": event.record,
        "missing_elements": event.missing_elements,
        "record_due_at": event.record_due_at,
        "record_completed_at": metadata.recorded_at if complete else None,
        "requested_at": metadata.occurred_at,
    }


def _completed(state: Referral, event: e.RecordCompleted, metadata: EventMetadata) -> Changes:
    completion = RecordCompletion(
        completed_at=metadata.recorded_at,
        completed_by=metadata.actor.user,
        facility=event.facility,
        late=event.late,
    )
    complete = not event.missing_elements
    return {
        "record": event.record,
        "clinical_summary": event.clinical_summary,
        "missing_elements": event.missing_elements,
        "record_completed_at": (state.record_completed_at or metadata.recorded_at) if complete else None,
        "record_completions": (*state.record_completions, completion),
    }


def _overdue(state: Referral, event: e.RecordOverdue, _: EventMetadata) -> Changes:
    return {"record_overdue": True}


def _left_incomplete(state: Referral, event: e.RecordLeftIncomplete, _: EventMetadata) -> Changes:
    return {"record_left_incomplete": True}


RECORD: dict[type[e.Event], Callable[[Referral, Any, EventMetadata], Changes]] = {
    e.RecordCompleted: _completed,
    e.RecordOverdue: _overdue,
    e.RecordLeftIncomplete: _left_incomplete,
}
