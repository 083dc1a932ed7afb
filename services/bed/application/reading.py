"""Lists of wards and counts. Beds are no patient's record: every facility may see what is free."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.bed.application.aggregates import Aggregates
from services.bed.domain.availability import availability
from services.bed.domain.state import Ward
from services.bed.domain.values import Availability, BedType
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.store import EventStore, StreamQuery

_PAGE = 500
_SCAN = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class WardPage:
    wards: tuple[Ward, ...]
    next_after: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class FacilityCounts:
    """What one facility has, by bed type."""

    facility: str
    #: sum of its wards' versions: grows with each change
    version: int
    availabilities: tuple[Availability, ...]


class WardReading:
    """Reads wards from the store. Raises DependencyDown when it is away."""

    def __init__(
        self, store: EventStore, runner: CommandRunner, kinds: Aggregates, *, stale_after_s: float
    ) -> None:
        self._store = store
        self._runner = runner
        self._kinds = kinds
        self._stale_after_s = stale_after_s

    async def page(
        self, facility: str, bed_type: BedType | None, *, after: int | None = None, limit: int
    ) -> WardPage:
        """Wards of a facility, of one type or all."""
        contains: dict[str, object] = {"facility": facility}
        if bed_type is not None:
            contains["bed_type"] = bed_type.value
        page = await self._store.find(
            StreamQuery(kind=self._kinds.ward.name, contains=contains, after=after, limit=limit)
        )
        wards = await self._runner.revive_all(self._kinds.ward, page.streams)
        return WardPage(wards=wards, next_after=page.next_after)

    async def availability(
        self, facilities: tuple[str, ...], bed_type: BedType | None, now: datetime
    ) -> tuple[Availability, ...]:
        """Counts by facility and bed type, with the age of their confirmation at `now`."""
        wards = await self._wards(facilities, bed_type)
        return availability(wards, now, self._stale_after_s)

    async def of_facilities(self, facilities: tuple[str, ...], now: datetime) -> tuple[FacilityCounts, ...]:
        """The counts of some facilities, each at the version that the topic of availability knows."""
        return self._by_facility(await self._wards(facilities, None), now)

    async def by_facility(
        self, facilities: tuple[str, ...], bed_type: BedType
    ) -> dict[str, tuple[Ward, ...]]:
        """The wards of a type of some facilities."""
        found: dict[str, tuple[Ward, ...]] = {}
        for ward in await self._wards(facilities, bed_type):
            found[ward.facility] = (*found.get(ward.facility, ()), ward)
        return found

    async def of_all(self, now: datetime) -> tuple[FacilityCounts, ...]:
        """The counts of every facility."""
        wards: list[Ward] = []
        after = ""
        while True:
            streams = await self._store.scan(kind=self._kinds.ward.name, after_stream_id=after, limit=_SCAN)
            wards.extend(await self._runner.revive_all(self._kinds.ward, streams))
            if len(streams) < _SCAN:
                return self._by_facility(wards, now)
            after = streams[-1].stream_id

    async def _wards(self, facilities: tuple[str, ...], bed_type: BedType | None) -> list[Ward]:
        # Together, as many as the database has connections for: one after the other would be a county's time.
        found = await asyncio.gather(*(self._wards_of(facility, bed_type) for facility in facilities))
        return [ward for wards in found for ward in wards]

    async def _wards_of(self, facility: str, bed_type: BedType | None) -> list[Ward]:
        wards: list[Ward] = []
        after: int | None = None
        while True:
            page = await self.page(facility, bed_type, after=after, limit=_PAGE)
            wards.extend(page.wards)
            after = page.next_after
            if after is None:
                return wards

    def _by_facility(self, wards: Sequence[Ward], now: datetime) -> tuple[FacilityCounts, ...]:
        versions: Counter[str] = Counter()
        for ward in wards:
            versions[ward.facility] += ward.version
        found: dict[str, list[Availability]] = {}
        for each in availability(wards, now, self._stale_after_s):
            found.setdefault(each.facility, []).append(each)
        return tuple(
            FacilityCounts(facility=facility, version=versions[facility], availabilities=tuple(each))
            for facility, each in found.items()
        )
