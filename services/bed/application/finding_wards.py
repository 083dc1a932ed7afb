"""Finds the ward or desk that a command or an event is about, and loads it for the decision."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from services.bed.application.aggregates import Aggregates
from services.bed.domain import bed_desk
from services.bed.domain.bed_desk import BedDesk
from services.bed.domain.state import Ward, bed_of_referral, stream_id
from services.bed.domain.values import BedType
from services.bed.domain.ward import encounter_key
from services.shared.eventstore.batching import Batcher
from services.shared.eventstore.store import EventStore, StreamQuery
from services.shared.eventstore.work import Work

#: More wards than any hospital has.
WARDS_MAX = 500

#: Facilities, by type of bed, whose wards are kept in mind.
_KNOWN_MAX = 10_000

_BED_CLAIM, _REFERRAL_CLAIM, _ENCOUNTER_CLAIM = "bed", "referral-bed", "encounter"
_DESKS = "desks/"


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a referral stands: it has a bed in a ward, or waits at a desk."""

    ward: Ward | None = None
    desk: BedDesk | None = None

    @property
    def facility(self) -> str:
        found = self.ward or self.desk
        return found.facility if found is not None else ""


class WardFinder:
    """Looks wards up by what they have. Raises DependencyDown when the store is away."""

    def __init__(self, store: EventStore, kinds: Aggregates) -> None:
        self._store = store
        self._kinds = kinds
        self._known: dict[tuple[str, BedType | None], tuple[int, tuple[str, ...]]] = {}
        self._looks: Batcher[tuple[str, BedType | None], tuple[str, ...]] = Batcher(
            self._look, batch_max=256, queue_max=4096, name="wards"
        )

    async def of_facility(self, work: Work, facility: str, bed_type: BedType | None) -> tuple[Ward, ...]:
        """The facility's wards, of a type or all, as they stand in the unit of work."""
        if work.is_fresh:
            names = await self.names(facility, bed_type)
            # Together: the store reads what is asked for at once in one go.
            loaded = list(await asyncio.gather(*(self._load(work, name) for name in names)))
        else:
            # What this process knows needs no tasks of its own, which cost more than the decision.
            loaded = [
                await self._load(work, name) for name in await self._known_names(work, facility, bed_type)
            ]
        return tuple(
            ward
            for ward in loaded
            if ward is not None and ward.facility == facility and bed_type in {None, ward.bed_type}
        )

    async def _known_names(self, work: Work, facility: str, bed_type: BedType | None) -> tuple[str, ...]:
        """Which wards there were at the desk's version that the unit is decided on.

        A new ward is listed by an event of the desk: what was found when the desk stood there, or later, is
        all that there was then. That it stands there still is looked at when something is refused.
        """
        desk: BedDesk | None = await work.load(self._kinds.desk, bed_desk.stream_id(facility))
        if desk is None:
            return await self.names(facility, bed_type)
        key = (facility, bed_type)
        known = self._known.get(key)
        if known is None or known[0] != desk.version:
            known = desk.version, await self.names(facility, bed_type)
            self._known.pop(key, None)
            self._known[key] = known
            if len(self._known) > _KNOWN_MAX:
                del self._known[next(iter(self._known))]
        return known[1]

    async def _load(self, work: Work, name: str) -> Ward | None:
        ward: Ward | None = await work.load(self._kinds.ward, name)
        return ward

    async def names(self, facility: str, bed_type: BedType | None) -> tuple[str, ...]:
        """Which wards there are now, closed ones among them. Who asks at the same time shares the answer."""
        return await self._looks.submit((facility, bed_type))

    async def _look(
        self, keys: Sequence[tuple[str, BedType | None]]
    ) -> Sequence[tuple[str, ...] | Exception]:
        found = {key: await self._find(*key) for key in dict.fromkeys(keys)}
        return [found[key] for key in keys]

    async def _find(self, facility: str, bed_type: BedType | None) -> tuple[str, ...]:
        # A closed ward may be opened again, which the desk does not hear of.
        contains: dict[str, object] = {"facility": facility}
        if bed_type is not None:
            contains["bed_type"] = bed_type.value
        query = StreamQuery(kind=self._kinds.ward.name, contains=contains, limit=WARDS_MAX)
        page = await self._store.find(query)
        return tuple(stream.stream_id for stream in page.streams)

    async def of_referral(self, work: Work, referral: str) -> Place | None:
        """Where the referral has a bed, held or occupied, or waits for one, as it stands in the unit of
        work."""
        holder = await self._store.find_claim(_REFERRAL_CLAIM, referral)
        if holder is None:
            return None
        if holder.startswith(_DESKS):
            desk = await work.load(self._kinds.desk, holder)
            waits = bed_desk.entry_of_referral(desk, referral) is not None
            return Place(desk=desk) if waits else None
        ward = await self.of_hold(work, holder)
        has_bed = ward is not None and bed_of_referral(ward, referral) is not None
        return Place(ward=ward) if has_bed else None

    async def of_hold(self, work: Work, hold: str) -> Ward | None:
        """The ward in which the hold is; None when it has ended."""
        name = await self.name_of_hold(hold)
        if name is None:
            return None
        ward: Ward | None = await work.load(self._kinds.ward, name)
        return ward

    async def name_of_hold(self, hold: str) -> str | None:
        """The stream of the ward in which the hold is; None when it has ended."""
        for claim in await self._store.claims_of(hold):
            if claim.kind == _BED_CLAIM:
                return stream_id(claim.key.partition("/")[0])
        return None

    async def name_of_encounter(self, facility: str, encounter: str) -> str | None:
        """The stream of the ward in which the encounter has a bed."""
        return await self._store.find_claim(_ENCOUNTER_CLAIM, encounter_key(facility, encounter))
