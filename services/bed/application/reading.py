"""Lists of wards and counts. What is free is no patient's record, and every facility may see it; who lies
there, or has it held, is for those who give the facility's beds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from services.bed.application.aggregates import Aggregates
from services.bed.domain.availability import CountedWard, availability, version_of
from services.bed.domain.permissions import may_see_waiting
from services.bed.domain.state import Ward, without_people
from services.bed.domain.values import Availability, BedType
from services.shared.eventstore.aggregate import AggregateKind
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.store import EventStore, StreamQuery
from services.shared.kernel.actor import Actor

_SCAN = 1_000

S = TypeVar("S")


@dataclass(frozen=True, kw_only=True, slots=True)
class WardPage:
    wards: tuple[Ward, ...]
    next_after: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionedCounts:
    """What a facility has of one bed type."""

    found: Availability
    #: that of the same counts on the topic of availability
    version: int


class WardReading:
    """Reads wards from the store. Raises DependencyDown when it is away."""

    def __init__(
        self, store: EventStore, runner: CommandRunner, kinds: Aggregates, *, stale_after_s: float
    ) -> None:
        self._store = store
        self._runner = runner
        self._kinds = kinds
        # A hundred thousand beds are not made objects of to be counted: the snapshot has the counts.
        # (What is folded anew is a whole ward, and counts as well.)
        whole: AggregateKind[Any, Any] = kinds.ward
        self._counted: AggregateKind[CountedWard, Any] = replace(whole, state_type=CountedWard)
        #: the site's limit for the age of a count
        self.stale_after_s = stale_after_s

    async def page(
        self, facility: str, bed_type: BedType | None, actor: Actor, *, after: int | None = None, limit: int
    ) -> WardPage:
        """Wards of a facility, of one type or all; without patients for those whom they do not concern."""
        contains: dict[str, object] = {"facility": facility}
        if bed_type is not None:
            contains["bed_type"] = bed_type.value
        page = await self._store.find(
            StreamQuery(kind=self._kinds.ward.name, contains=contains, after=after, limit=limit)
        )
        wards = await self._runner.revive_all(self._kinds.ward, page.streams)
        if not may_see_waiting(actor, facility):
            wards = tuple(without_people(ward) for ward in wards)
        return WardPage(wards=wards, next_after=page.next_after)

    async def availability(
        self, facilities: tuple[str, ...], bed_type: BedType | None, now: datetime
    ) -> tuple[Availability, ...]:
        """Counts by facility and bed type, with the age of their confirmation at `now`."""
        wards = await self._of(self._counted, facilities, bed_type)
        return availability(wards, now, self.stale_after_s)

    async def of_facilities(self, facilities: tuple[str, ...], now: datetime) -> tuple[VersionedCounts, ...]:
        """The counts of some facilities, each at the version that the topic of availability knows."""
        return self._versioned(await self._of(self._counted, facilities, None), now)

    async def by_facility(
        self, facilities: tuple[str, ...], bed_type: BedType
    ) -> dict[str, tuple[Ward, ...]]:
        """The wards of a type of some facilities."""
        found: dict[str, list[Ward]] = {}
        for ward in await self._of(self._kinds.ward, facilities, bed_type):
            found.setdefault(ward.facility, []).append(ward)
        return {facility: tuple(wards) for facility, wards in found.items()}

    async def of_all(self, now: datetime) -> tuple[VersionedCounts, ...]:
        """The counts of every facility."""
        wards: list[CountedWard] = []
        after = ""
        while True:
            streams = await self._store.scan(kind=self._counted.name, after_stream_id=after, limit=_SCAN)
            wards.extend(await self._runner.revive_all(self._counted, streams))
            if len(streams) < _SCAN:
                return self._versioned(wards, now)
            after = streams[-1].stream_id

    async def _of(
        self, kind: AggregateKind[S, Any], facilities: tuple[str, ...], bed_type: BedType | None
    ) -> tuple[S, ...]:
        """The wards of these facilities, in one go: a question for each would be a county's time."""
        of_type: dict[str, object] = {} if bed_type is None else {"bed_type": bed_type.value}
        wanted = [{"facility": facility, **of_type} for facility in dict.fromkeys(facilities)]
        return await self._runner.revive_all(kind, await self._store.find_any(kind.name, wanted))

    def _versioned(self, wards: Sequence[CountedWard], now: datetime) -> tuple[VersionedCounts, ...]:
        here: dict[str, list[CountedWard]] = {}
        for ward in wards:
            here.setdefault(ward.facility, []).append(ward)
        return tuple(
            VersionedCounts(found=each, version=version_of(here[each.facility], each.bed_type))
            for each in availability(wards, now, self.stale_after_s)
        )
