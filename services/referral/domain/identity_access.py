"""Whom it is given who a patient is: whoever treats him, and not whoever knows the pseudonym.

A referral is made by anybody who names a patient. So it gives a part in the identity only where somebody who
registered the identity stands behind it, or where the caller shows a number from the patient's document
(docs/adr/0033-who-is-told-who-a-patient-is.md; Personal Information Protection Law, art. 6: no more than is
needed).
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.referral.domain.offers_found import accepted_offer
from services.referral.domain.patient_identity import IdentityDetails
from services.referral.domain.referral_state import OPEN_OFFER, Referral, is_terminal
from services.referral.domain.referral_values import ReferralState

#: After a referral that ended without the patient's arrival: so long things are put in order. A guess of this
#: product's own.
AFTER_END = timedelta(hours=72)


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class IdentityEvidence:
    """Numbers from a document that the caller has before him."""

    document_number: str = ""
    health_card_number: str = ""
    insurance_number: str = ""

    def __repr__(self) -> str:
        return "IdentityEvidence(…)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ties:
    """What ties facilities to one patient."""

    #: facilities that recorded a version of the identity
    registrars: frozenset[str]
    #: the patient's referrals, whoever takes part in them
    referrals: tuple[Referral, ...]
    now: datetime


def gives_part(state: Referral, facility: str, now: datetime) -> bool:
    """Whether a facility needs to know who the patient of a referral is.

    The origin, the destination that accepted, and whoever is being asked; after the end those who had the
    patient, and the others for AFTER_END. What was an error may be another patient's.
    """
    if state.state is ReferralState.ENTERED_IN_ERROR:
        return False
    if facility in _treating(state):
        return not is_terminal(state) or state.arrived_at is not None or now < state.update_time + AFTER_END
    asked = any(offer.facility == facility and offer.state in OPEN_OFFER for offer in state.offers)
    return asked and not is_terminal(state)


def may_read(ties: Ties, facility: str, *, proven: bool) -> bool:
    """Whether a facility is told: it registered the patient itself, or has a part in a referral that is
    vouched for, or for which the caller has proof."""
    return facility in ties.registrars or any(
        gives_part(each, facility, ties.now) and (proven or _is_vouched(each, ties))
        for each in ties.referrals
    )


def may_coordinate(ties: Ties, facilities: Collection[str]) -> bool:
    """Whether a coordinator of these facilities is told: of vouched referrals alone."""
    return any(
        gives_part(each, facility, ties.now) and _is_vouched(each, ties)
        for each in ties.referrals
        for facility in facilities
    )


def may_write(ties: Ties, facility: str, *, proven: bool) -> bool:
    """Whether a facility records a version: the first by whoever takes part, later ones by who registered the
    patient, or has him now."""
    if facility in ties.registrars:
        return True
    for each in ties.referrals:
        if is_terminal(each) or not gives_part(each, facility, ties.now):
            continue
        if not ties.registrars:
            return True
        if each.custodian_facility == facility and (proven or _is_vouched(each, ties)):
            return True
    return False


def proves(shown: IdentityEvidence | IdentityDetails, kept: IdentityDetails) -> bool:
    """Whether one of the numbers is the patient's. A name and a birthday prove nothing: many know them."""
    pairs = (
        (shown.document_number, kept.document_number),
        (shown.health_card_number, kept.health_card_number),
        (shown.insurance_number, kept.insurance_number),
    )
    return any(_plain(one) == _plain(other) != "" for one, other in pairs)


def _plain(number: str) -> str:
    return "".join(number.split()).upper()


def _treating(state: Referral) -> tuple[str, ...]:
    accepted = accepted_offer(state.offers)
    return (state.origin_facility,) if accepted is None else (state.origin_facility, accepted.facility)


def _is_vouched(state: Referral, ties: Ties) -> bool:
    """Somebody who registered the patient refers or accepted him, in this referral or another of its episode.

    That one was merely asked says nothing: everybody can ask everybody.
    """
    return any(
        not ties.registrars.isdisjoint(_treating(each))
        for each in _same_episode(ties.referrals, state.episode)
        if each.state is not ReferralState.ENTERED_IN_ERROR
    )


def _same_episode(referrals: Iterable[Referral], episode: str) -> Iterable[Referral]:
    return (each for each in referrals if each.episode == episode)
