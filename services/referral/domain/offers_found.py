"""Finds the offer that is meant among those of a referral."""

from services.referral.domain.referral_state import OPEN_OFFER, Referral
from services.referral.domain.referral_values import InformationExchange, Offer, OfferState


def open_offers(offers: tuple[Offer, ...]) -> tuple[Offer, ...]:
    """Offers that still wait for a decision."""
    return tuple([offer for offer in offers if offer.state in OPEN_OFFER])


def came_to_nothing(offers: tuple[Offer, ...]) -> tuple[str, ...]:
    """Facilities that said no, said nothing in time, or took their acceptance back; without repetition.

    An offer that was withdrawn because another destination was faster has no reason: that facility never had
    its say. It is new to a re-routing, and an emergency may not pass over it to one that is farther.
    """
    ended = (OfferState.DECLINED, OfferState.LAPSED, OfferState.WITHDRAWN)
    return tuple(
        dict.fromkeys(
            offer.facility
            for offer in offers
            if offer.state in ended and (offer.state is not OfferState.WITHDRAWN or offer.reason is not None)
        )
    )


def accepted_offer(offers: tuple[Offer, ...]) -> Offer | None:
    """The accepted offer: there is at most one."""
    for offer in offers:
        if offer.state is OfferState.ACCEPTED:
            return offer
    return None


def the_accepted(state: Referral) -> Offer:
    """The accepted offer of a state that has one. Raises ValueError otherwise: the fold is broken."""
    offer = accepted_offer(state.offers)
    if offer is None:
        raise ValueError(f"{state.name} is {state.state} without an accepted offer")
    return offer


def offer_of(state: Referral, facility: str) -> Offer | None:
    """The facility's open offer, else its latest one, else None."""
    latest: Offer | None = None
    for offer in state.offers:
        if offer.facility == facility:
            if offer.state in OPEN_OFFER:
                return offer
            latest = offer
    return latest


def questions_waiting(state: Referral) -> tuple[InformationExchange, ...]:
    """Questions without an answer of destinations that have yet to decide; not those of an earlier offer."""
    undecided = {offer.name for offer in open_offers(state.offers)}
    return tuple([each for each in state.information if each.answered_at is None and each.offer in undecided])


def offer_named(state: Referral, name: str) -> Offer | None:
    for offer in state.offers:
        if offer.name == name:
            return offer
    return None


def present_offer(offers: tuple[Offer, ...]) -> Offer | None:
    """The offer whose destination is the referral's: accepted, else the first open one, else the latest."""
    accepted = accepted_offer(offers)
    if accepted is not None:
        return accepted
    waiting = open_offers(offers)
    if waiting:
        return waiting[0]
    return offers[-1] if offers else None
