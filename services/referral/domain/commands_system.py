"""Commands that the system alone gives: what other services say, and what is due."""

from dataclasses import dataclass
from enum import StrEnum

from services.referral.domain.referral_values import BedAssignment


class BedNews(StrEnum):
    """What the bed service says; each value is the event that follows from it."""

    HELD = "BedHeld"
    UNAVAILABLE = "BedUnavailable"
    HOLD_LAPSED = "BedHoldLapsed"
    OCCUPIED = "BedOccupied"
    RELEASED = "BedReleased"


@dataclass(frozen=True, kw_only=True, slots=True)
class FollowBed:
    """An event of the bed service that concerns this referral."""

    news: BedNews
    bed: BedAssignment


@dataclass(frozen=True, kw_only=True, slots=True)
class FollowStanding:
    """A standing order was opened on this referral, or is over."""

    standing_order: str
    over: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class MeetDeadline:
    """A deadline is due."""

    #: as in `Deadline.key`
    key: str
