"""Lists of wards and counts. Beds are no patient's record: every facility may see what is free."""

from dataclasses import dataclass
from datetime import datetime

from services.bed.application.aggregates import Aggregates
from services.bed.domain.availability import availability
from services.bed.domain.state import Ward
from services.bed.domain.values import Availability, BedType
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.store import EventStore, StreamQuery

_PAGE = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class WardPage:
    wards: tuple[Ward, ...]
    next_after: int | None


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
        wards: list[Ward] = []
        for facility in facilities:
            after: int | None = None
            while True:
                page = await self.page(facility, bed_type, after=after, limit=_PAGE)
                wards.extend(page.wards)
                after = page.next_after
                if after is None:
                    break
        return availability(wards, now, self._stale_after_s)
