"""What the events of asking change in a referral: approval, offers, questions, acceptance, re-routing."""

from collections.abc import Callable
from typing import Any

from services.referral.domain import events as e
from services.referral.domain.fold_review import destination_found, review_moot
from services.referral.domain.free_beds import FreeBeds
from services.referral.domain.offers_found import present_offer, questions_waiting
from services.referral.domain.referral_state import Referral
from services.referral.domain.referral_values import (
    BedRegion,
    InformationExchange,
    Offer,
    OfferState,
)
from services.referral.domain.rehabilitation import RehabilitationPlan, is_taken_in, taken_in
from services.referral.domain.values import BedType, CodedReason
from services.shared.kernel.command import EventMetadata
from services.shared.kernel.frozen import changed

Changes = dict[str, Any]


def bed_asked(bed_type: BedType | None) -> BedRegion:
    """The bed region before the bed service's first word: no referral event invents a bed."""
    return BedRegion.NOT_NEEDED if bed_type is None else BedRegion.REQUESTED


def with_offers(offers: tuple[Offer, ...]) -> Changes:
    """The offers, and what follows from the present one: destination, direction, scope, filing."""
    present = present_offer(offers)
    if present is None:
        return {"offers": offers}
    return {
        "offers": offers,
        "destination_facility": present.facility,
        "direction": present.direction,
        "scope": present.scope,
        "insurance_filing_needed": present.insurance_filing_needed,
    }


def settled(
    offers: tuple[Offer, ...],
    name: str,
    state: OfferState,
    reason: CodedReason | None = None,
    free_beds: tuple[FreeBeds, ...] = (),
) -> tuple[Offer, ...]:
    """The offers with one of them in another state."""
    return tuple(
        [
            changed(offer, state=state, reason=reason or offer.reason, free_beds=free_beds or offer.free_beds)
            if offer.name == name
            else offer
            for offer in offers
        ]
    )


#: A word of the destination that is none any more.
NO_BYPASS: Changes = {"emergency_room_bypass": False, "bypass_reason": None}


def bypassed(reason: CodedReason | None) -> Changes:
    """The destination's word, when it gives it."""
    return {} if reason is None else {"emergency_room_bypass": True, "bypass_reason": reason}


def no_destination(bed_type: BedType | None) -> Changes:
    """What an acceptance had settled and is open again."""
    return {
        "accepting_clinician": None,
        "transport": None,
        **NO_BYPASS,
        "estimated_arrival_time": None,
        "hold_until": None,
        "accepted_at": None,
        "bed": None,
        "bed_region": bed_asked(bed_type),
        "bed_answer_due_at": None,
        "bed_answer_overdue": False,
    }


def requested(event: e.ReferralRequested, metadata: EventMetadata) -> Changes:
    """Every field of a new referral but its state."""
    listed = event.next_destinations[0] if event.next_destinations else ""
    return {
        "name": metadata.aggregate_id,
        "version": metadata.version,
        "episode": event.episode,
        "patient": event.patient,
        "direction": event.direction,
        "scope": event.scope,
        "urgency": event.urgency,
        "pathway": event.pathway,
        "green_channel": event.green_channel,
        "origin_facility": event.origin_facility,
        "destination_facility": listed,
        "custodian_facility": event.origin_facility,
        "dispatch": event.dispatch,
        "next_destinations": event.next_destinations,
        "bed_type": event.bed_type,
        "bed_region": bed_asked(event.bed_type),
        "clinical_summary": event.clinical_summary,
        "consent": event.consent,
        "norms": event.norms,
        "approval_in_retrospect": event.approval_in_retrospect,
        "rehabilitation_plan": _plan(event.rehabilitation_plan),
        "parent": event.parent,
        "create_time": metadata.recorded_at,
        "update_time": metadata.recorded_at,
        "consultation": event.consultation,
        "insurance_filing_needed": event.insurance_filing_needed,
        "approval_facility": event.approval_facility,
        "expires_at": event.expires_at,
        "reopening_pathway": event.reopening_pathway,
        "results": event.results,
        **with_offers(event.offers),
    }


def _plan(plan: RehabilitationPlan | None) -> RehabilitationPlan | None:
    """One that was recorded before tasks were a contract is numbered here; nothing of it falls due."""
    return plan if plan is None or is_taken_in(plan) else taken_in(plan, None)


def _approved(state: Referral, event: e.ReferralApproved, _: EventMetadata) -> Changes:
    return {
        "approved": True,
        "next_destinations": event.next_destinations,
        "expires_at": event.expires_at,
        **with_offers(state.offers + event.offers),
    }


def _approval_refused(state: Referral, event: e.ApprovalRefused, _: EventMetadata) -> Changes:
    return {"end_reason": event.reason, "next_destinations": (), "expires_at": event.expires_at}


def _acknowledged(state: Referral, event: e.OfferAcknowledged, _: EventMetadata) -> Changes:
    return {"offers": settled(state.offers, event.offer, OfferState.ACKNOWLEDGED)}


def _information_requested(
    state: Referral, event: e.InformationRequested, metadata: EventMetadata
) -> Changes:
    """Who asks has seen the offer."""
    exchange = InformationExchange(
        questions=event.questions,
        asked_at=metadata.occurred_at,
        asked_by_facility=event.facility,
        offer=event.offer,
    )
    return {
        "offers": settled(state.offers, event.offer, OfferState.ACKNOWLEDGED),
        "information": (*state.information, exchange),
    }


def _information_provided(state: Referral, event: e.InformationProvided, metadata: EventMetadata) -> Changes:
    """It is for every destination that waits: each reads the answer."""
    waiting = questions_waiting(state)
    return {
        "information": tuple(
            [
                changed(each, answers=event.answers, answered_at=metadata.occurred_at)
                if each in waiting
                else each
                for each in state.information
            ]
        )
    }


def _accepted(state: Referral, event: e.ReferralAccepted, metadata: EventMetadata) -> Changes:
    offers = settled(state.offers, event.offer, OfferState.ACCEPTED)
    for name in event.withdrawn_offers:
        offers = settled(offers, name, OfferState.WITHDRAWN)
    return {
        "accepting_clinician": event.accepting_clinician,
        "estimated_arrival_time": event.estimated_arrival_time,
        "hold_until": event.hold_until,
        "was_accepted": True,
        "accepted_at": metadata.occurred_at,
        "expires_at": None,
        "bed_answer_due_at": event.bed_answer_due_at,
        "bed_answer_overdue": False,
        **bypassed(event.bypass_reason),
        **destination_found(state, event.review_due_at, event.review_facility),
        **with_offers(offers),
    }


def _moved_on(
    state: Referral, event: e.OfferDeclined | e.OfferLapsed | e.AcceptanceWithdrawn, offers: tuple[Offer, ...]
) -> Changes:
    return {
        "next_destinations": event.next_destinations,
        "expires_at": event.expires_at,
        **with_offers(offers + event.offers),
    }


def _declined(state: Referral, event: e.OfferDeclined, _: EventMetadata) -> Changes:
    offers = settled(state.offers, event.offer, OfferState.DECLINED, event.reason, event.free_beds)
    return _moved_on(state, event, offers)


def _lapsed(state: Referral, event: e.OfferLapsed, _: EventMetadata) -> Changes:
    return _moved_on(state, event, settled(state.offers, event.offer, OfferState.LAPSED))


def _acceptance_withdrawn(state: Referral, event: e.AcceptanceWithdrawn, _: EventMetadata) -> Changes:
    offers = settled(state.offers, event.offer, OfferState.WITHDRAWN, event.reason, event.free_beds)
    return {**no_destination(state.bed_type), **review_moot(state), **_moved_on(state, event, offers)}


def _overdue(state: Referral, event: e.OfferOverdue, _: EventMetadata) -> Changes:
    offers = [changed(offer, overdue=True) if offer.name == event.offer else offer for offer in state.offers]
    return {"offers": tuple(offers)}


def _rerouted(state: Referral, event: e.ReferralRerouted, _: EventMetadata) -> Changes:
    return {
        "dispatch": event.dispatch,
        "next_destinations": event.next_destinations,
        "norms": event.norms,
        "hop_count": event.hop_count,
        "expires_at": event.expires_at,
        "end_reason": None,
        "approval_in_retrospect": event.approval_in_retrospect,
        "approval_facility": event.approval_facility,
        **with_offers(state.offers + event.offers),
    }


OFFERS: dict[type[e.Event], Callable[[Referral, Any, EventMetadata], Changes]] = {
    e.ReferralApproved: _approved,
    e.ApprovalRefused: _approval_refused,
    e.OfferAcknowledged: _acknowledged,
    e.InformationRequested: _information_requested,
    e.InformationProvided: _information_provided,
    e.ReferralAccepted: _accepted,
    e.OfferDeclined: _declined,
    e.OfferLapsed: _lapsed,
    e.AcceptanceWithdrawn: _acceptance_withdrawn,
    e.OfferOverdue: _overdue,
    e.ReferralRerouted: _rerouted,
}
