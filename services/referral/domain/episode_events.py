"""Events of an episode."""

from dataclasses import dataclass
from datetime import datetime

from services.referral.domain.episode_values import ClockExclusion
from services.referral.domain.milestones import Milestone
from services.referral.domain.values import CodedReason, Pathway


@dataclass(frozen=True, kw_only=True, slots=True)
class EpisodeOpened:
    patient: str
    pathway: Pathway
    facility: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EpisodeJoined:
    """A referral or consultation became part of the episode, or brought further facilities into it."""

    member: str
    facilities: tuple[str, ...]
    #: origin of a referral up or across; empty otherwise
    sending_facility: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MilestoneRecorded:
    milestone: Milestone
    pathway: Pathway


@dataclass(frozen=True, kw_only=True, slots=True)
class MilestoneCorrected:
    #: the entry in force from now on
    milestone: Milestone
    #: the time that it replaces, as it was stated
    superseded_time: datetime
    reason: CodedReason
    pathway: Pathway


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockExcluded:
    exclusion: ClockExclusion
    pathway: Pathway


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockExclusionLifted:
    key: str
    facility: str
    reason: CodedReason
    pathway: Pathway


@dataclass(frozen=True, kw_only=True, slots=True)
class MoveEnded:
    """A referral was over before the patient left."""

    member: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EpisodeClosed:
    pass


EpisodeEvent = (
    EpisodeOpened
    | EpisodeJoined
    | MoveEnded
    | MilestoneRecorded
    | MilestoneCorrected
    | ClockExcluded
    | ClockExclusionLifted
    | EpisodeClosed
)
