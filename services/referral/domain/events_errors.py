"""Events of a referral that is called an error: the first word, its withdrawal, and the end."""

from dataclasses import dataclass
from datetime import datetime

from services.referral.domain.values import CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrorMarkRequested:
    """After an acceptance: the origin calls it an error, and a second person must say so too."""

    reason: CodedReason
    #: user
    requested_by: str
    facility: str
    #: not confirmed by then, it stands no longer
    confirm_by: datetime
    #: whose referral office may confirm, beside the coordinators
    destination_facility: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrorMarkWithdrawn:
    """The origin takes its word back: nothing waits for a second person any more."""

    facility: str
    #: user who had called it an error
    requested_by: str
    #: whose referral office was to confirm
    destination_facility: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrorMarkLapsed:
    """Nobody confirmed the origin's word in time: it stands no longer."""

    #: whose word it was
    facility: str
    #: user who had called it an error
    requested_by: str
    #: whose referral office was to confirm
    destination_facility: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EnteredInError:
    reason: CodedReason
    #: user who confirmed it; empty before an acceptance
    second_approver: str = ""
