"""Time targets: what a clock is held to, and how well that number is known.

A target is a site's configuration. Its source and confidence travel with it into every clock, so that a
value of a secondary source (B) or an unconfirmed one (C) is never shown as a national norm.
"""

from dataclasses import dataclass
from enum import StrEnum

from services.referral.domain.milestones import ArrivalMode, MilestoneKind
from services.referral.domain.values import Pathway
from services.shared.kernel.text import BilingualText


class Confidence(StrEnum):
    """How well a value is known."""

    #: the primary text was read
    A = "A"
    #: a secondary source
    B = "B"
    #: unconfirmed, to be checked by the site
    C = "C"


class CountsFor(StrEnum):
    """For which patients, or at which doors, a clock counts."""

    EVERY_PATIENT = "EVERY_PATIENT"
    #: patients whom a referral moves up or across
    TRANSFERRED_PATIENT = "TRANSFERRED_PATIENT"
    #: doors on the way up: the first facility's, and each that follows a facility which sent the patient on.
    #: The door of rehabilitation, weeks later, starts no door-to-needle
    ACUTE_DOOR = "ACUTE_DOOR"
    #: doors of the visit during which a facility sends the patient on
    SENDING_DOOR = "SENDING_DOOR"


class ShareMeasure(StrEnum):
    """What is asked at a door, yes or no."""

    #: an ECG was sent before the patient came in
    ECG_SENT_BEFORE_ARRIVAL = "ECG_SENT_BEFORE_ARRIVAL"
    #: he was taken past emergency room and CCU, straight to the CT or the cath lab
    EMERGENCY_ROOM_BYPASSED = "EMERGENCY_ROOM_BYPASSED"


class Aim(StrEnum):
    """What a period is judged by, where the source says so."""

    #: the mean is within the target: "monthly means"
    MEAN = "MEAN"
    #: at least so many are within it
    SHARE = "SHARE"


@dataclass(frozen=True, kw_only=True, slots=True)
class ExclusionReason:
    """Why a clock need not count, with the words of the source."""

    #: such as SHOCK
    code: str
    label: BilingualText


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockTarget:
    """One interval and its limit."""

    #: such as `door-to-needle`
    key: str
    label: BilingualText
    pathway: Pathway
    #: what starts it, the first that is recorded winning: last known well before onset
    start: tuple[MilestoneKind, ...]
    stop: MilestoneKind
    target_s: int
    #: a tighter limit that good centres reach
    stretch_s: int | None = None
    source: BilingualText
    confidence: Confidence
    counts_for: CountsFor
    #: another treatment than the one this clock waits for: once it is given first, there is no such clock
    moot_after: tuple[MilestoneKind, ...] = ()
    #: the clock counts only for patients with one of these: door-to-puncture for those who go to the cath lab
    only_with: tuple[MilestoneKind, ...] = ()
    #: a wider window for selected patients; it warns later, and the target stays what it is
    selected_s: int | None = None
    #: how a period is judged; None where the source does not say
    aim: Aim | None = None
    #: of SHARE: percent that must be within the target
    share_at_least_percent: int | None = None
    #: the reasons for which a clock need not count
    exclusions: tuple[ExclusionReason, ...] = ()
    #: what the destination needs from its door to the milestone, for the way back from limit to departure
    after_arrival_s: int = 0

    def excludes(self, code: str) -> bool:
        """Whether its source lets a clock be left out for this reason."""
        return any(reason.code == code for reason in self.exclusions)

    def of_a_door(self) -> bool:
        """Whether it is counted per facility."""
        return self.counts_for in (CountsFor.ACUTE_DOOR, CountsFor.SENDING_DOOR)


@dataclass(frozen=True, kw_only=True, slots=True)
class SourcedShare:
    """How many of all patients something should be done for, with its source: counted at doors, not timed."""

    #: such as `ecg-before-arrival`
    key: str
    label: BilingualText
    pathway: Pathway
    at_least_percent: int
    source: BilingualText
    confidence: Confidence
    #: what is counted, of patients who came so; None where the platform does not count it
    measure: ShareMeasure | None = None
    arrived_by: ArrivalMode | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SourcedLimit:
    """A time limit that no pair of milestones measures, with its source."""

    #: such as `remote-reading`
    key: str
    label: BilingualText
    limit_s: int
    #: the shorter limit of an emergency, where there is one
    emergency_s: int | None = None
    #: None: as `limit_s`
    urgent_s: int | None = None
    source: BilingualText
    confidence: Confidence


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockTargets:
    """Everything that the site measures itself by."""

    clocks: tuple[ClockTarget, ...]
    limits: tuple[SourcedLimit, ...]
    shares: tuple[SourcedShare, ...]

    def of(self, pathway: Pathway | None) -> "ClockTargets":
        """Those of a pathway, with the limits, which are of none; all when None."""
        return ClockTargets(
            clocks=tuple(each for each in self.clocks if pathway in (None, each.pathway)),
            limits=self.limits,
            shares=tuple(each for each in self.shares if pathway in (None, each.pathway)),
        )
