"""The review, afterwards, of what left the county without the lead facility's approval. 补审"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.referral.domain.values import CodedReason


class ReviewState(StrEnum):
    """Where the review stands."""

    PENDING = "PENDING"
    DONE = "DONE"
    #: the referral ended without it
    NOT_DONE = "NOT_DONE"


class ReviewVerdict(StrEnum):
    """What the lead facility says of it."""

    #: leaving the county was right
    JUSTIFIED = "JUSTIFIED"
    NOT_JUSTIFIED = "NOT_JUSTIFIED"


@dataclass(frozen=True, kw_only=True, slots=True)
class RetrospectiveReview:
    """The review of one referral: of its latest destination out of the county."""

    state: ReviewState
    #: whose referral office reviews
    facility: str
    due_at: datetime
    #: not done in time; it can still be done until the referral ends
    overdue: bool = False
    verdict: ReviewVerdict | None = None
    reason: CodedReason | None = None
    #: clinical time
    reviewed_at: datetime | None = None
    #: user
    reviewed_by: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrorMark:
    """The first of the two words by which an accepted referral becomes an error."""

    reason: CodedReason
    #: user
    requested_by: str
    facility: str
    requested_at: datetime
    #: not confirmed by then, it stands no longer
    confirm_by: datetime
