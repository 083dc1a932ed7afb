"""How many beds there are where, and how sure that is."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from services.bed.domain.values import Availability, BedType, WardCounts


class Counted(Protocol):
    """A ward, or what an event said of it."""

    @property
    def facility(self) -> str: ...
    @property
    def bed_type(self) -> BedType: ...
    @property
    def counts(self) -> WardCounts: ...
    @property
    def confirmed_at(self) -> datetime | None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class CountedWard:
    """What of a ward is counted; read from its snapshot, of which nothing else is looked at."""

    id: str
    version: int
    facility: str
    bed_type: BedType
    counts: WardCounts
    confirmed_at: datetime | None
    left_types: dict[str, int] = field(default_factory=dict)


class Versioned(Protocol):
    """A ward, or what an event said of it, of some version."""

    @property
    def version(self) -> int: ...
    @property
    def bed_type(self) -> BedType: ...
    @property
    def left_types(self) -> dict[str, int]: ...


def version_of(wards: Iterable[Versioned], bed_type: BedType) -> int:
    """The version of a facility's counts of one type: that of all its wards which are or were of the type.

    No other ward counts, so that it does not matter in which order a facility's wards are told of. One that
    left the type counts as when it left, and a closed one always: it never falls.
    """
    return sum(
        ward.version if ward.bed_type is bed_type else ward.left_types.get(bed_type.value, 0)
        for ward in wards
    )


def _total(wards: list[Counted]) -> WardCounts:
    counts = [ward.counts for ward in wards]
    return WardCounts(
        beds=sum(one.beds for one in counts),
        free=sum(one.free for one in counts),
        held=sum(one.held for one in counts),
        occupied=sum(one.occupied for one in counts),
        cleaning=sum(one.cleaning for one in counts),
        blocked=sum(one.blocked for one in counts),
    )


def _least_recent(wards: list[Counted]) -> datetime | None:
    """None when a ward with beds never confirmed them; a closed ward has nothing to confirm."""
    times = [ward.confirmed_at for ward in wards if ward.counts.beds]
    known = [time for time in times if time is not None]
    return min(known) if known and len(known) == len(times) else None


def is_stale(confirmed_at: datetime | None, now: datetime, stale_after_s: float) -> bool:
    """Whether counts were never confirmed, or longer ago than the site's limit in seconds."""
    return confirmed_at is None or (now - confirmed_at).total_seconds() > stale_after_s


def availability(wards: Iterable[Counted], now: datetime, stale_after_s: float) -> tuple[Availability, ...]:
    """Counts by facility and bed type, in that order; stale when any of its wards is not lately confirmed.

    `now` comes from the caller; `stale_after_s` is the site's limit in seconds.
    """
    groups: dict[tuple[str, BedType], list[Counted]] = {}
    for ward in wards:
        groups.setdefault((ward.facility, ward.bed_type), []).append(ward)
    found = []
    for (facility, bed_type), members in sorted(groups.items()):
        confirmed_at = _least_recent(members)
        found.append(
            Availability(
                facility=facility,
                bed_type=bed_type,
                counts=_total(members),
                confirmed_at=confirmed_at,
                stale=is_stale(confirmed_at, now, stale_after_s),
            )
        )
    return tuple(found)
