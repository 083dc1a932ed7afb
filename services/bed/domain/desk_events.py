"""What happened at a facility's bed desk. Names and fields are those of `bed_events.proto`."""

from dataclasses import dataclass
from typing import get_args

from services.bed.domain.events import EVENTS, BedUnavailable, Event
from services.bed.domain.values import BedType, CodedReason, WaitingEntry


@dataclass(frozen=True, kw_only=True, slots=True)
class WardListed:
    """The facility has a ward of this type from now on.

    It says nothing that the ward does not say. It moves the desk's version on, so that whoever was about to
    put a referral on the list, and did not see the ward, decides again.
    """

    facility: str
    ward: str
    bed_type: BedType


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingJoined:
    entry: WaitingEntry


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingChanged:
    """More is known of the one who waits, or it changed."""

    entry: WaitingEntry


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingServed:
    """A bed is held for the one who waited; the ward has BedHeld."""

    entry: WaitingEntry
    hold: str
    ward: str
    bed: str


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingLeft:
    entry: WaitingEntry
    reason: CodedReason


DeskEvent = BedUnavailable | WardListed | WaitingJoined | WaitingChanged | WaitingServed | WaitingLeft

DESK_EVENTS: tuple[type[DeskEvent], ...] = get_args(DeskEvent)

#: What is on the topic of beds: BedUnavailable is of wards and desks.
BED_EVENTS: tuple[type[Event | DeskEvent], ...] = tuple(dict.fromkeys((*EVENTS, *DESK_EVENTS)))
