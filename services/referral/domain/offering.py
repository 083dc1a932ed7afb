"""Opening offers: to whom, until when, and how long the asking can last."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.referral.domain.decision import Decision
from services.referral.domain.directory_state import Directory, Facility
from services.referral.domain.facility_codes import ws218_code
from services.referral.domain.norms_insurance import filing_needed
from services.referral.domain.norms_move import move_between
from services.referral.domain.offers_found import open_offers
from services.referral.domain.policy import ReferralPolicy, Terms
from services.referral.domain.referral_values import Dispatch, Offer, OfferState
from services.referral.domain.values import Direction, Pathway, Scope, Urgency
from services.shared.kernel.ids import resource_name


@dataclass(frozen=True, kw_only=True, slots=True)
class Asking:
    """What every offer of one referral has in common."""

    directory: Directory
    policy: ReferralPolicy
    origin: str
    urgency: Urgency
    pathway: Pathway
    #: of the command that opens the offers
    request_id: str
    recorded_at: datetime
    #: assumed where the origin has left the directory
    direction: Direction
    scope: Scope

    @property
    def terms(self) -> Terms:
        return self.policy.terms(self.urgency, self.pathway)


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """Offers that are opened, who is listed after them, and the last moment for an answer."""

    offers: tuple[Offer, ...]
    next_destinations: tuple[str, ...]
    expires_at: datetime


def asking(decision: Decision[Any]) -> Asking:
    """The asking that a decision on an existing referral goes on with."""
    state, context = decision.state, decision.context
    return Asking(
        directory=decision.directory,
        policy=decision.policy,
        origin=state.origin_facility,
        urgency=state.urgency,
        pathway=state.pathway,
        request_id=context.request_id,
        recorded_at=context.recorded_at,
        direction=state.direction,
        scope=state.scope,
    )


def open_next(
    ask: Asking, destinations: Sequence[str], dispatch: Dispatch, still_open: tuple[Offer, ...] = ()
) -> Opened:
    """Opens the next offer of a ranked list, or all at once; none while another one is open.

    A destination that has left the directory meanwhile is passed over.
    """
    offers: list[Offer] = []
    waiting = list(destinations)
    while waiting and not (still_open or (offers and dispatch is Dispatch.IN_ORDER)):
        destination = ask.directory.facility(waiting.pop(0))
        if destination is not None:
            offers.append(offer_to(ask, destination, OfferState.SENT, len(offers)))
    return Opened(
        offers=tuple(offers),
        next_destinations=tuple(waiting),
        expires_at=expiry(ask, (*still_open, *offers), len(waiting)),
    )


def offer_to(ask: Asking, destination: Facility, state: OfferState, index: int) -> Offer:
    """One offer; its deadlines count from receipt: a record entered late must not lapse at once."""
    origin = ask.directory.facility(ask.origin)
    direction, scope, filing, minutes = ask.direction, ask.scope, False, None
    if origin is not None:
        move = move_between(
            directory=ask.directory,
            policy=ask.policy,
            origin=origin,
            destination=destination,
            urgency=ask.urgency,
            pathway=ask.pathway,
        )
        direction, scope, filing = move.direction, move.scope, filing_needed(move)
        minutes = ask.directory.travel_minutes(origin.id, destination.id)
    return Offer(
        name=resource_name("offers", ask.request_id, str(index)),
        facility=destination.id,
        state=state,
        sent_at=ask.recorded_at,
        acknowledge_by=ask.recorded_at + timedelta(seconds=ask.terms.acknowledge_s),
        decide_by=ask.recorded_at + timedelta(seconds=ask.terms.decide_s),
        travel_minutes=minutes,
        direction=direction,
        scope=scope,
        insurance_filing_needed=filing,
        facility_name=destination.name.zh,
        facility_code=ws218_code(destination),
    )


def expiry(ask: Asking, open_now: tuple[Offer, ...], listed: int) -> datetime:
    """The last moment for an answer when nobody answers: every round of asking, and then the expiry."""
    rounds_end = max([offer.decide_by for offer in open_now], default=ask.recorded_at)
    return rounds_end + timedelta(seconds=ask.terms.decide_s * listed + ask.terms.expiry_s)


def moved_on(decision: Decision[Any], closed: str) -> Opened:
    """What follows when the offer named `closed` came to nothing."""
    left = tuple([offer for offer in open_offers(decision.state.offers) if offer.name != closed])
    return open_next(asking(decision), decision.state.next_destinations, decision.state.dispatch, left)


def is_exhausted(opened: Opened, state_offers: tuple[Offer, ...], closed: str) -> bool:
    """Whether no offer is open or listed next."""
    return not opened.offers and not [each for each in open_offers(state_offers) if each.name != closed]


def hold_until(decision: Decision[Any], arrival: datetime | None, travel_minutes: int | None) -> datetime:
    """Until when the destination holds itself ready; without a known arrival, receipt and the way count."""
    recorded_at = decision.context.recorded_at
    return decision.policy.hold_until(
        urgency=decision.state.urgency,
        pathway=decision.state.pathway,
        arrival=arrival or recorded_at + decision.policy.travel(travel_minutes),
        recorded_at=recorded_at,
    )
