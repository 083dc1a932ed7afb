"""Values of an episode."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.referral.domain.values import CodedReason
from services.shared.kernel.actor import Actor
from services.shared.kernel.ids import resource_name


class EpisodeState(StrEnum):
    """An episode is one illness: it is open until it is over."""

    #: every command
    OPEN = "OPEN"
    #: CorrectMilestone, ExcludeClock, LiftClockExclusion: the record may still be put right
    CLOSED = "CLOSED"


@dataclass(frozen=True, kw_only=True, slots=True)
class OnwardMove:
    """A referral of the episode that moves the patient up or across, away from where he was."""

    #: name of the referral
    member: str
    sending_facility: str
    #: clinical time of the referral
    decided_at: datetime
    #: when it was over before the patient had left: cancelled, expired, died; None for one that holds
    ended_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockExclusion:
    """A clock that does not count in means and shares, and why. Its times stay as they are."""

    #: such as door-in-door-out
    key: str
    #: facility whose doors the clock counts; empty when it has none
    facility: str
    reason: CodedReason
    excluded_by: Actor
    excluded_at: datetime


def opened_by_request(request_id: str) -> str:
    """Name of the episode that a command opens when it names none: it follows from the request id."""
    return resource_name("episodes", request_id)
