"""Events of the review afterwards."""

from dataclasses import dataclass
from datetime import datetime

from services.referral.domain.review_values import ReviewVerdict
from services.referral.domain.values import CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferralReviewed:
    facility: str
    verdict: ReviewVerdict
    reason: CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewOverdue:
    """It was not reviewed in time. Nothing moves."""

    facility: str
    due_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewNotDone:
    """The referral ends, and nobody has reviewed it."""

    facility: str
