"""Decisions of the destinations that are asked, and the origin's answers to them."""

from services.referral.domain.carriers import carrier_to_tell
from services.referral.domain.commands import (
    AcceptReferral,
    AcknowledgeOffer,
    Command,
    DeclineReferral,
    ProvideInformation,
    RequestInformation,
    WithdrawAcceptance,
)
from services.referral.domain.commands_bypass import GrantBypass
from services.referral.domain.decide_review import review_need
from services.referral.domain.decide_steps import bed_answer_due, departure_due
from services.referral.domain.decision import Decision
from services.referral.domain.events import (
    AcceptanceWithdrawn,
    BypassGranted,
    Event,
    InformationProvided,
    InformationRequested,
    OfferAcknowledged,
    OfferDeclined,
    ReferralAccepted,
)
from services.referral.domain.free_beds import FreeBeds, free_beds
from services.referral.domain.offering import hold_until, is_exhausted, moved_on
from services.referral.domain.offers_found import offer_of, open_offers, the_accepted
from services.referral.domain.policy import ReferralPolicy
from services.referral.domain.referral_values import Offer, OfferState


def _own_offer(decision: Decision[object]) -> Offer:
    offer = offer_of(decision.state, decision.facility)
    if offer is None:
        raise ValueError(f"{decision.facility} has no offer: the table asks for one")
    return offer


def acknowledge(decision: Decision[AcknowledgeOffer]) -> tuple[Event, ...]:
    """A second look at an offer that was seen changes nothing."""
    offer = _own_offer(decision)
    if offer.state is OfferState.ACKNOWLEDGED:
        return ()
    return (OfferAcknowledged(offer=offer.name, facility=offer.facility),)


def request_information(decision: Decision[RequestInformation]) -> tuple[Event, ...]:
    offer = _own_offer(decision)
    return (
        InformationRequested(offer=offer.name, facility=offer.facility, questions=decision.command.questions),
    )


def provide_information(decision: Decision[ProvideInformation]) -> tuple[Event, ...]:
    return (InformationProvided(answers=decision.command.answers),)


def accept(decision: Decision[AcceptReferral]) -> tuple[Event, ...]:
    """The first acceptance wins; the other offers are withdrawn."""
    state, command, offer = decision.state, decision.command, _own_offer(decision)
    need = review_need(decision, offer)
    others = [each.name for each in open_offers(state.offers) if each.name != offer.name]
    summary = state.clinical_summary
    return (
        ReferralAccepted(
            offer=offer.name,
            facility=offer.facility,
            accepting_clinician=command.accepting_clinician,
            estimated_arrival_time=command.estimated_arrival_time,
            withdrawn_offers=tuple(others),
            bed_type=state.bed_type,
            hold_until=hold_until(decision, command.estimated_arrival_time, offer.travel_minutes),
            urgency=state.urgency,
            pathway=state.pathway,
            origin_facility=state.origin_facility,
            patient=state.patient,
            sex=summary.sex,
            age_years=summary.age_years,
            isolation_needed=summary.isolation_needed,
            review_due_at=need.due_at,
            review_facility=need.facility,
            departure_due_at=departure_due(
                decision,
                arrival=command.estimated_arrival_time,
                travel_minutes=offer.travel_minutes,
                planned=None,
            ),
            bed_answer_due_at=bed_answer_due(decision),
            bypass_reason=command.bypass_reason,
        ),
    )


def grant_bypass(decision: Decision[GrantBypass]) -> tuple[Event, ...]:
    """Said again, it changes nothing: the first reason stands."""
    if decision.state.emergency_room_bypass:
        return ()
    return (BypassGranted(facility=the_accepted(decision.state).facility, reason=decision.command.reason),)


def beds_needed(command: Command, facility: str, policy: ReferralPolicy) -> str:
    """The facility, the actor's own, whose beds a decision takes in (fact `wards`); empty when it takes none.

    Who has no room says so with a coded reason: what the counts said then belongs beside it.
    """
    if isinstance(command, DeclineReferral | WithdrawAcceptance):
        return facility if command.reason.code in policy.capacity_reasons else ""
    return ""


def _beds_then(decision: Decision[DeclineReferral | WithdrawAcceptance]) -> tuple[FreeBeds, ...]:
    policy = decision.policy
    if not beds_needed(decision.command, decision.facility, policy):
        return ()
    return free_beds(decision.wards, decision.context.recorded_at, policy.bed_counts_stale_s)


def decline(decision: Decision[DeclineReferral]) -> tuple[Event, ...]:
    offer = _own_offer(decision)
    opened = moved_on(decision, offer.name)
    return (
        OfferDeclined(
            offer=offer.name,
            facility=offer.facility,
            reason=decision.command.reason,
            offers=opened.offers,
            next_destinations=opened.next_destinations,
            exhausted=is_exhausted(opened, decision.state.offers, offer.name),
            expires_at=opened.expires_at,
            free_beds=_beds_then(decision),
        ),
    )


def withdraw(decision: Decision[WithdrawAcceptance]) -> tuple[Event, ...]:
    offer = the_accepted(decision.state)
    opened = moved_on(decision, offer.name)
    return (
        AcceptanceWithdrawn(
            offer=offer.name,
            facility=offer.facility,
            reason=decision.command.reason,
            offers=opened.offers,
            next_destinations=opened.next_destinations,
            exhausted=is_exhausted(opened, decision.state.offers, offer.name),
            expires_at=opened.expires_at,
            free_beds=_beds_then(decision),
            carrier_facility=carrier_to_tell(decision),
        ),
    )
