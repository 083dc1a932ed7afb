"""Time targets: what a clock is held to, and how well that number is known.

A target is a site's configuration. Its source and confidence travel with it into every clock, so that a
value of a secondary source (B) or an unconfirmed one (C) is never shown as a national norm.
"""

from dataclasses import dataclass
from enum import StrEnum

from services.referral.domain.milestones import MilestoneKind
from services.referral.domain.values import Pathway
from services.shared.kernel.text import BilingualText


class Confidence(StrEnum):
    """How well a value is known (facts.md)."""

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

    def of_a_door(self) -> bool:
        """Whether it is counted per facility."""
        return self.counts_for in (CountsFor.ACUTE_DOOR, CountsFor.SENDING_DOOR)


@dataclass(frozen=True, kw_only=True, slots=True)
class SourcedLimit:
    """A time limit that no pair of milestones measures, with its source."""

    #: such as `remote-reading`
    key: str
    label: BilingualText
    limit_s: int
    #: the shorter limit of an emergency, where there is one
    emergency_s: int | None = None
    source: BilingualText
    confidence: Confidence
