"""What a replay page tells: facilities, and what held for referrals, wards and alerts from which moment on.

Moments are whole milliseconds since 1970. A track is in order of time; its last point so far is what holds.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from services.shared.kernel.text import BilingualText

Value = TypeVar("Value")
#: Points of (moment, what holds from then on).
Track = Sequence[tuple[int, Value]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A facility, as the directory had it when it was read."""

    id: str
    name: BilingualText
    #: 1 village, 2 township, 3 county, 4 city, 5 province; 0 where the directory does not have it
    tier: int
    community: str
    #: minutes by road, by facility
    travel_minutes: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferralStands:
    """Where a referral stands after an event."""

    #: such as IN_TRANSIT
    state: str
    origin: str
    destination: str
    custodian: str
    #: when the patient left and is expected, while he is on the road
    departed_at: int | None = None
    expected_at: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class WardCounts:
    """Beds of a ward after an event."""

    free: int
    held: int
    occupied: int
    cleaning: int
    blocked: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferralTold:
    """One referral. Its patient is not told, not even by pseudonym."""

    name: str
    episode: str
    #: such as EMERGENCY, STROKE, UP
    urgency: str
    pathway: str
    direction: str
    #: the green channel that it uses; empty for none
    green_channel: str
    track: Track[ReferralStands]


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsultationTold:
    """One consultation: a question on its way, or answered."""

    name: str
    requester: str
    centre: str
    #: such as CLAIMED
    track: Track[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class WardTold:
    """One ward."""

    id: str
    facility: str
    #: such as STROKE_UNIT
    bed_type: str
    name: BilingualText
    track: Track[WardCounts]


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertTold:
    """One alert."""

    name: str
    facility: str
    #: CRITICAL, HIGH or INFORMATION
    severity: str
    title: BilingualText
    is_drill: bool
    #: OPEN, ACKNOWLEDGED or RESOLVED
    track: Track[str]


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Entry:
    """A line of the timeline. In order by time, then by record and version."""

    at: int
    #: such as `referrals/…`
    aggregate: str
    version: int
    #: such as ReferralAccepted
    type: str
    #: where it happened; empty for the platform
    facility: str
    recorded_at: int
    #: the case it is about; empty for none
    case: str
    #: what it says beyond its kind: a milestone's kind, an alert's name, a ward's id, a reason's code
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """What the page does not show."""

    #: entries of the timeline after the last one that is shown
    entries: int
    #: records that could not be read
    unread: int
    #: events that were recorded after what happened later; they count from then on
    late: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Story:
    """All that a page tells, between two moments."""

    begins_at: int
    ends_at: int
    places: Sequence[Place]
    communities: Mapping[str, BilingualText]
    entries: Sequence[Entry]
    referrals: Sequence[ReferralTold]
    consultations: Sequence[ConsultationTold]
    wards: Sequence[WardTold]
    alerts: Sequence[AlertTold]
    left_out: LeftOut


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """One moment of a story, by name."""

    entries: Sequence[Entry]
    referrals: Mapping[str, ReferralStands]
    consultations: Mapping[str, str]
    wards: Mapping[str, WardCounts]
    alerts: Mapping[str, str]


def at_moment(track: Track[Value], moment: int) -> Value | None:
    """What holds at a moment; None before the first point."""
    found = bisect_right(track, moment, key=lambda point: point[0])
    return track[found - 1][1] if found else None


def picture(story: Story, moment: int) -> Picture:
    """The story at a moment: the same that the page shows there."""

    def held(told: Sequence[tuple[str, Track[Value]]]) -> dict[str, Value]:
        found = ((name, at_moment(track, moment)) for name, track in told)
        return {name: value for name, value in found if value is not None}

    return Picture(
        entries=[each for each in story.entries if each.at <= moment],
        referrals=held([(each.name, each.track) for each in story.referrals]),
        consultations=held([(each.name, each.track) for each in story.consultations]),
        wards=held([(each.id, each.track) for each in story.wards]),
        alerts=held([(each.name, each.track) for each in story.alerts]),
    )
