"""How long destinations take to accept: what an origin may expect to wait, from what the platform saw.

Measured from the sending of an offer to its acceptance, both as received: that is how long the origin waits,
and it has in it the time until somebody looks. Declined and lapsed offers are no acceptances.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from services.referral.domain.events import Event, ReferralAccepted
from services.referral.domain.offers_found import offer_named
from services.referral.domain.policy import ReferralPolicy
from services.referral.domain.referral_state import Referral
from services.referral.domain.values import Urgency


@dataclass(frozen=True, kw_only=True, slots=True)
class Acceptance:
    """One offer that was accepted."""

    offer: str
    facility: str
    urgency: Urgency
    accepted_at: datetime
    waited_s: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpectedWait:
    """The answer, and how many cases it is based on."""

    cases: int
    median_s: int
    #: acceptance of the earliest of them
    since: datetime


def acceptance_of(state: Referral, event: Event, recorded_at: datetime) -> Acceptance | None:
    """What an event tells of a destination's time to accept; None of any other event.

    `state` is the referral before or after the event. A diversion accepts by decree and tells nothing.
    """
    if not isinstance(event, ReferralAccepted):
        return None
    offer = offer_named(state, event.offer)
    if offer is None:
        return None
    return Acceptance(
        offer=offer.name,
        facility=offer.facility,
        urgency=state.urgency,
        accepted_at=recorded_at,
        waited_s=max(0, int((recorded_at - offer.sent_at).total_seconds())),
    )


def expected_wait(
    acceptances: Iterable[Acceptance], urgency: Urgency, now: datetime, policy: ReferralPolicy
) -> ExpectedWait | None:
    """The median of the recent ones of the same urgency; None when they are too few to say anything."""
    oldest = now - timedelta(seconds=policy.wait_window_s)
    recent = [each for each in acceptances if each.urgency is urgency and oldest <= each.accepted_at <= now]
    if len(recent) < policy.wait_cases_min:
        return None
    return ExpectedWait(
        cases=len(recent),
        median_s=round(median(each.waited_s for each in recent)),
        since=min(each.accepted_at for each in recent),
    )
