"""What events change in the review afterwards of a referral."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from services.referral.domain import events as e
from services.referral.domain.referral_state import Referral, open_review
from services.referral.domain.review_values import RetrospectiveReview, ReviewState
from services.shared.kernel.command import EventMetadata
from services.shared.kernel.frozen import changed

Changes = dict[str, Any]


def destination_found(state: Referral, due_at: datetime | None, facility: str) -> Changes:
    """The patient goes to a destination that needs a review, or to one that does not."""
    if due_at is None:
        return review_moot(state)
    known = open_review(state)
    opened = RetrospectiveReview(state=ReviewState.PENDING, facility=facility, due_at=due_at)
    return {
        "review": opened if known is None else changed(known, facility=facility, due_at=due_at),
        # From then on the facility takes part: it must be able to read what it is to judge.
        "approval_facility": facility,
    }


def review_moot(state: Referral) -> Changes:
    """An open review has nothing to judge any more: nobody left the county."""
    return {} if open_review(state) is None else {"review": None}


def _reviewed(state: Referral, event: e.ReferralReviewed, metadata: EventMetadata) -> Changes:
    return _with(
        state,
        state=ReviewState.DONE,
        verdict=event.verdict,
        reason=event.reason,
        reviewed_at=metadata.occurred_at,
        reviewed_by=metadata.actor.user,
    )


def _overdue(state: Referral, event: e.ReviewOverdue, _: EventMetadata) -> Changes:
    return _with(state, overdue=True)


def _not_done(state: Referral, event: e.ReviewNotDone, _: EventMetadata) -> Changes:
    return _with(state, state=ReviewState.NOT_DONE)


def _with(referral: Referral, /, **changes: Any) -> Changes:
    if referral.review is None:
        raise ValueError(f"{referral.name} has no review")
    return {"review": changed(referral.review, **changes)}


REVIEW: dict[type[e.Event], Callable[[Referral, Any, EventMetadata], Changes]] = {
    e.ReferralReviewed: _reviewed,
    e.ReviewOverdue: _overdue,
    e.ReviewNotDone: _not_done,
}
