"""What the referral service knows of free beds: the bed service's word on each ward, and what follows.

A copy, not the truth: it is as old as the latest event that came. What is shown says how old.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from services.referral.domain.values import BedType


@dataclass(frozen=True, kw_only=True, slots=True)
class WardCounts:
    """Absolute counts of one ward: free + held + occupied + cleaning + blocked = beds."""

    beds: int = 0
    free: int = 0
    held: int = 0
    occupied: int = 0
    cleaning: int = 0
    blocked: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class WardNews:
    """What one event of a ward says of its counts, after it."""

    ward: str
    #: of the ward, with the event
    version: int
    facility: str
    bed_type: BedType
    counts: WardCounts
    #: when the ward last found the counts as they are shown; None when never
    confirmed_at: datetime | None
    #: of the event
    recorded_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class WardBeds:
    """What is kept of one ward."""

    ward: str
    version: int
    facility: str
    bed_type: BedType
    counts: WardCounts
    confirmed_at: datetime | None
    #: when the counts last changed; None when that was before the copy began
    moved_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class FreeBeds:
    """Beds of one type at one facility, at the moment that this was said."""

    bed_type: BedType
    free: int
    beds: int
    #: the least recent confirmation among the wards; None when one was never confirmed
    confirmed_at: datetime | None
    #: the latest change among the wards; None when it is not known
    moved_at: datetime | None
    #: of the confirmation
    age_s: int | None
    #: never confirmed, or longer ago than the site's limit
    stale: bool


def followed(known: WardBeds | None, news: WardNews) -> WardBeds:
    """What is kept after the news. Not every event moves a count: a confirmation does not."""
    if known is not None:
        moved_at = news.recorded_at if news.counts != known.counts else known.moved_at
    else:
        # A ward's first event brings its beds; a later one may or may not have moved any.
        moved_at = news.recorded_at if news.version == 1 else None
    return WardBeds(
        ward=news.ward,
        version=news.version,
        facility=news.facility,
        bed_type=news.bed_type,
        counts=news.counts,
        confirmed_at=news.confirmed_at,
        moved_at=moved_at,
    )


def free_beds(wards: Iterable[WardBeds], now: datetime, stale_after_s: int) -> tuple[FreeBeds, ...]:
    """Free beds by type, in the order of the types; a ward without beds is closed and says nothing.

    The rule for what is stale is the bed service's own: by the least recent confirmation of the type's wards.
    """
    by_type: dict[BedType, list[WardBeds]] = {}
    for ward in wards:
        if ward.counts.beds:
            by_type.setdefault(ward.bed_type, []).append(ward)
    return tuple([_of_type(each, by_type[each], now, stale_after_s) for each in BedType if each in by_type])


def _of_type(bed_type: BedType, wards: list[WardBeds], now: datetime, stale_after_s: int) -> FreeBeds:
    confirmed = [ward.confirmed_at for ward in wards if ward.confirmed_at is not None]
    confirmed_at = min(confirmed) if len(confirmed) == len(wards) else None
    # A ward's clock may be ahead of the platform's: nothing is younger than now.
    age_s = None if confirmed_at is None else max(0, int((now - confirmed_at).total_seconds()))
    return FreeBeds(
        bed_type=bed_type,
        free=sum(ward.counts.free for ward in wards),
        beds=sum(ward.counts.beds for ward in wards),
        confirmed_at=confirmed_at,
        moved_at=max([ward.moved_at for ward in wards if ward.moved_at is not None], default=None),
        age_s=age_s,
        stale=age_s is None or age_s > stale_after_s,
    )


def free_of(beds: Iterable[FreeBeds], bed_type: BedType | None) -> int:
    """Free beds of one type, or of all; counts that are stale promise nothing."""
    return sum(each.free for each in beds if not each.stale and bed_type in (None, each.bed_type))
