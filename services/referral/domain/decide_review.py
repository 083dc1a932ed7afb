"""Decisions on the review afterwards: who needs one, until when, and what is said.

Source: norm APPROVAL: out of the county needs the lead facility's approval; an emergency is reviewed
afterwards, within 72 h. Where the norm is silent:
- the need begins when a destination out of the county accepts, or the patient is diverted to one: what nobody
  accepted has not left, and what was approved before needs no second word;
- the limit counts from the receipt of that event; a later diversion does not put it off;
- it ends without a review when the acceptance is withdrawn, the patient is diverted back into the county, or
  the referral is cancelled or entered in error: then nobody left;
- nothing clinical waits for it: a referral that ends with an open review says so (ReviewNotDone).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.referral.domain.commands import ReviewReferral
from services.referral.domain.decision import Decision
from services.referral.domain.events import Event, ReferralReviewed, ReviewNotDone, ReviewOverdue
from services.referral.domain.referral_state import Referral, open_review
from services.referral.domain.referral_values import Offer
from services.referral.domain.referral_values import ReferralState as S
from services.referral.domain.review_values import RetrospectiveReview
from services.referral.domain.values import Direction

#: States in which the patient has left the origin.
_LEFT = frozenset({S.IN_TRANSIT, S.ARRIVED, S.IN_TREATMENT, S.TREATED})


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewNeed:
    """Until when and by whom; None and empty when no review is needed."""

    due_at: datetime | None = None
    facility: str = ""


def review_need(decision: Decision[Any], offer: Offer) -> ReviewNeed:
    """What going to this destination asks for. The way back down does not leave: it returns."""
    state = decision.state
    leaves = offer.scope in decision.policy.approval_scopes and offer.direction is not Direction.DOWN
    if not leaves or state.approved:
        return ReviewNeed()
    limit_s = decision.policy.review_limit_s(state.urgency, state.pathway)
    due_at = decision.context.recorded_at + timedelta(seconds=limit_s)
    known = open_review(state)
    origin = decision.directory.facility(state.origin_facility)
    lead = state.origin_facility if origin is None else decision.directory.lead_of(origin)
    return ReviewNeed(
        due_at=due_at if known is None else min(due_at, known.due_at),
        facility=state.approval_facility or lead,
    )


def review(decision: Decision[ReviewReferral]) -> tuple[Event, ...]:
    command = decision.command
    return (
        ReferralReviewed(
            facility=_opened(decision.state).facility, verdict=command.verdict, reason=command.reason
        ),
    )


def review_overdue(state: Referral) -> tuple[Event, ...]:
    pending = _opened(state)
    return (ReviewOverdue(facility=pending.facility, due_at=pending.due_at),)


def left_unreviewed(state: Referral) -> tuple[Event, ...]:
    """What goes before the end of a referral that left and was not reviewed."""
    pending = open_review(state)
    if pending is None or state.state not in _LEFT:
        return ()
    return (ReviewNotDone(facility=pending.facility),)


def _opened(state: Referral) -> RetrospectiveReview:
    pending = open_review(state)
    if pending is None:
        raise ValueError(f"{state.name} has no open review")
    return pending
