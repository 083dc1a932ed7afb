"""What the events after acceptance change in a referral: bed, transport, arrival, care, ends."""

from collections.abc import Callable
from typing import Any

from services.referral.domain import events as e
from services.referral.domain.fold_offers import (
    NO_BYPASS,
    Changes,
    bed_asked,
    bypassed,
    settled,
    with_offers,
)
from services.referral.domain.fold_plan import with_task
from services.referral.domain.fold_review import destination_found, review_moot
from services.referral.domain.fold_steps import carried_by
from services.referral.domain.offers_found import accepted_offer, open_offers
from services.referral.domain.referral_state import Referral
from services.referral.domain.referral_values import BedRegion, FollowUp, OfferState
from services.referral.domain.rehabilitation import RehabilitationTaskState
from services.referral.domain.review_values import ErrorMark
from services.shared.kernel.command import EventMetadata

_REGIONS: dict[type[e.BedEvent], BedRegion] = {
    e.BedHeld: BedRegion.HELD,
    e.BedUnavailable: BedRegion.UNAVAILABLE,
    e.BedHoldLapsed: BedRegion.LAPSED,
    e.BedOccupied: BedRegion.OCCUPIED,
    e.BedReleased: BedRegion.RELEASED,
}


def _bed(state: Referral, event: e.BedEvent, _: EventMetadata) -> Changes:
    return {"bed": event.bed, "bed_region": _REGIONS[type(event)]}


def _bed_given_up(state: Referral) -> Changes:
    """An end before the bed was taken releases the hold."""
    return {"bed_region": BedRegion.RELEASED} if state.bed_region is BedRegion.HELD else {}


def _bypass_granted(state: Referral, event: e.BypassGranted, _: EventMetadata) -> Changes:
    return bypassed(event.reason)


def _error_mark_requested(state: Referral, event: e.ErrorMarkRequested, metadata: EventMetadata) -> Changes:
    mark = ErrorMark(
        reason=event.reason,
        requested_by=event.requested_by,
        facility=event.facility,
        requested_at=metadata.recorded_at,
        confirm_by=event.confirm_by,
    )
    return {"error_mark": mark}


def _error_mark_withdrawn(state: Referral, event: e.ErrorMarkWithdrawn, _: EventMetadata) -> Changes:
    return {"error_mark": None}


def _error_mark_lapsed(state: Referral, event: e.ErrorMarkLapsed, _: EventMetadata) -> Changes:
    return {"error_mark": None}


def _transport_arranged(state: Referral, event: e.TransportArranged, metadata: EventMetadata) -> Changes:
    return {
        "transport": event.transport,
        "emergency_room_bypass": event.emergency_room_bypass,
        "estimated_arrival_time": event.estimated_arrival_time,
        "hold_until": event.hold_until,
        **carried_by(metadata, event.transport.ambulance_facility),
    }


def _departed(state: Referral, event: e.PatientDeparted, metadata: EventMetadata) -> Changes:
    return {
        "transport": event.transport,
        "emergency_room_bypass": event.emergency_room_bypass,
        "estimated_arrival_time": event.estimated_arrival_time,
        "insurance_filing_number": event.insurance_filing_number,
        "hold_until": event.hold_until,
        "departed_at": metadata.occurred_at,
        **carried_by(metadata, event.transport.ambulance_facility),
    }


def _diverted(state: Referral, event: e.PatientDiverted, metadata: EventMetadata) -> Changes:
    before = accepted_offer(state.offers)
    offers = state.offers
    if before is not None:
        offers = settled(offers, before.name, OfferState.WITHDRAWN, event.reason)
    return {
        "accepting_clinician": None,
        "estimated_arrival_time": event.estimated_arrival_time,
        "hold_until": event.hold_until,
        "arrival_overdue": False,
        **NO_BYPASS,
        "bed": None,
        "bed_region": bed_asked(event.bed_type),
        "bed_answer_due_at": event.bed_answer_due_at,
        "bed_answer_overdue": False,
        **destination_found(state, event.review_due_at, event.review_facility),
        **with_offers((*offers, event.offer)),
        **carried_by(metadata),
    }


def _arrived(state: Referral, event: e.PatientArrived, metadata: EventMetadata) -> Changes:
    """A patient who arrives ends a cancellation that was under way."""
    return {
        "custodian_facility": event.facility,
        "confirm_by": None,
        "end_reason": None,
        "arrived_at": metadata.occurred_at,
    }


def _treatment_completed(state: Referral, event: e.TreatmentCompleted, metadata: EventMetadata) -> Changes:
    return {
        "discharge_summary": event.discharge_summary,
        "report_due_at": event.report_due_at,
        "treated_at": metadata.occurred_at,
    }


def _report_overdue(state: Referral, event: e.OutcomeReportOverdue, _: EventMetadata) -> Changes:
    return {"outcome_report_overdue": True}


def _referred_back(state: Referral, event: e.PatientReferredBack, _: EventMetadata) -> Changes:
    return {"referred_back_to": event.referral}


def _followed_up(state: Referral, event: e.FollowUpRecorded, metadata: EventMetadata) -> Changes:
    visit = FollowUp(
        occurred_at=metadata.occurred_at,
        findings=event.findings,
        red_flag=event.red_flag,
        recorded_by=metadata.actor.user,
        task=event.task,
    )
    planned: Changes = {}
    if event.task:
        planned = with_task(
            state,
            event.task,
            state=RehabilitationTaskState.DONE,
            done_at=metadata.occurred_at,
            done_by=metadata.actor.user,
            late=event.late,
        )
    return {
        "follow_ups": (*state.follow_ups, visit),
        "reopened_as": event.reopened_as or state.reopened_as,
        **planned,
    }


def _cancellation_requested(state: Referral, event: e.CancellationRequested, _: EventMetadata) -> Changes:
    return {"end_reason": event.reason, "confirm_by": event.confirm_by}


def _cancelled(state: Referral, event: e.ReferralCancelled, _: EventMetadata) -> Changes:
    return {"end_reason": event.reason, **_ended(state)}


def _expired(state: Referral, event: e.ReferralExpired, _: EventMetadata) -> Changes:
    return _closed_offers(state)


def _died(state: Referral, event: e.PatientDied, _: EventMetadata) -> Changes:
    return _ended(state)


def _entered_in_error(state: Referral, event: e.EnteredInError, _: EventMetadata) -> Changes:
    return {"end_reason": event.reason, "error_mark": None, **_ended(state)}


def _ended(state: Referral) -> Changes:
    return {**_closed_offers(state), **_bed_given_up(state), **review_moot(state)}


def _closed_offers(state: Referral) -> Changes:
    """Nobody is asked any more by a referral that has ended."""
    offers = state.offers
    for offer in open_offers(offers):
        offers = settled(offers, offer.name, OfferState.WITHDRAWN)
    return {"offers": offers, "next_destinations": (), "expires_at": None}


def _unchanged(state: Referral, event: e.Event, _: EventMetadata) -> Changes:
    """The event moves the state alone."""
    return {}


JOURNEY: dict[type[e.Event], Callable[[Referral, Any, EventMetadata], Changes]] = {
    e.BedHeld: _bed,
    e.BedUnavailable: _bed,
    e.BedHoldLapsed: _bed,
    e.BedOccupied: _bed,
    e.BedReleased: _bed,
    e.BypassGranted: _bypass_granted,
    e.TransportArranged: _transport_arranged,
    e.PatientDeparted: _departed,
    e.PatientDiverted: _diverted,
    e.PatientArrived: _arrived,
    e.PatientNoShow: _unchanged,
    e.TreatmentStarted: _unchanged,
    e.TreatmentCompleted: _treatment_completed,
    e.OutcomeReportOverdue: _report_overdue,
    e.PatientReferredBack: _referred_back,
    e.FollowUpRecorded: _followed_up,
    e.ReferralClosed: _unchanged,
    e.CancellationRequested: _cancellation_requested,
    e.ReferralCancelled: _cancelled,
    e.ReferralExpired: _expired,
    e.PatientDied: _died,
    e.ErrorMarkRequested: _error_mark_requested,
    e.ErrorMarkWithdrawn: _error_mark_withdrawn,
    e.ErrorMarkLapsed: _error_mark_lapsed,
    e.EnteredInError: _entered_in_error,
}
