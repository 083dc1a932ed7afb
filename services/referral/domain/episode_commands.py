"""Commands on an episode, named as their RPCs; who gives them and when is in the context."""

from dataclasses import dataclass
from datetime import datetime

from services.referral.domain.milestones import ArrivalMode, FirstStation, MilestoneKind
from services.referral.domain.values import CodedReason, Pathway


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenEpisode:
    """Opens an episode at the caller's facility."""

    patient: str
    pathway: Pathway


@dataclass(frozen=True, kw_only=True, slots=True)
class JoinEpisode:
    """A referral or consultation becomes part of the episode, or brings further facilities into it.

    No RPC: the application gives it with the command that creates, re-routes or diverts the member.
    Nothing is recorded when nothing of it is new.
    """

    #: `referrals/{uuid}`, `consultations/{uuid}` or `standing_orders/{uuid}`
    member: str
    #: patient of the member: two patients never share an episode
    patient: str
    #: facilities that take part through the member
    facilities: tuple[str, ...]
    #: origin of a referral UP or LATERAL; empty for a referral DOWN and for a consultation.
    #: Door-in-door-out counts there, and the next facility's doors belong to the way up
    sending_facility: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordMilestone:
    """Something happened at the context's `occurred_at`."""

    kind: MilestoneKind
    #: where it happened; the caller's facility when left out. A reading belongs to the facility whose
    #: patient it is: a centre that reads a branch's CT names the branch
    facility: str = ""
    #: device's clock less true time, when known
    device_clock_offset_ms: int | None = None
    #: of DOOR_IN alone
    arrived_by: ArrivalMode | None = None
    #: of DOOR_IN alone
    taken_to: FirstStation | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CorrectMilestone:
    """A milestone was at another time than recorded. Both stay in the trail."""

    #: `milestones/{uuid}`
    milestone: str
    #: true time: a device's clock offset no longer applies
    corrected_time: datetime
    reason: CodedReason
    #: of DOOR_IN alone; None leaves what was recorded
    arrived_by: ArrivalMode | None = None
    #: of DOOR_IN alone; None leaves what was recorded
    taken_to: FirstStation | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ExcludeClock:
    """A clock does not count in means and shares: for a reason that its target's source allows."""

    #: such as door-in-door-out
    key: str
    #: facility whose doors it counts; empty for a clock without
    facility: str = ""
    #: one of the target's codes
    reason: CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class LiftClockExclusion:
    """It counts after all."""

    key: str
    facility: str = ""
    reason: CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class EndMove:
    """A referral is over before the patient left: he does not wait for its door out any more.

    No RPC: the application gives it with the command that ends the referral. Nothing is recorded when the
    referral never was to move him on.
    """

    #: name of the referral
    member: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CloseEpisode:
    """The illness is over."""


EpisodeCommand = (
    OpenEpisode
    | JoinEpisode
    | EndMove
    | RecordMilestone
    | CorrectMilestone
    | ExcludeClock
    | LiftClockExclusion
    | CloseEpisode
)
