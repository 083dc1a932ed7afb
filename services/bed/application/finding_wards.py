"""Finds the ward that a command or an event is about, and loads it for the decision."""

from services.bed.application.aggregates import Aggregates
from services.bed.domain.state import Ward, stream_id
from services.bed.domain.values import BedType
from services.shared.eventstore.store import EventStore, StreamQuery
from services.shared.eventstore.work import Work

#: More wards of one type than any hospital has.
WARDS_MAX = 500

_BED_CLAIM, _REFERRAL_CLAIM = "bed", "referral-bed"


class WardFinder:
    """Looks wards up by what they have. Raises DependencyDown when the store is away."""

    def __init__(self, store: EventStore, kinds: Aggregates) -> None:
        self._store = store
        self._kinds = kinds

    async def of_facility(self, work: Work, facility: str, bed_type: BedType) -> tuple[Ward, ...]:
        """The facility's wards of a type, as they stand in the unit of work."""
        query = StreamQuery(
            kind=self._kinds.ward.name,
            contains={"facility": facility, "bed_type": bed_type.value, "live": True},
            limit=WARDS_MAX,
        )
        page = await self._store.find(query)
        wards: list[Ward] = []
        for stream in page.streams:
            ward: Ward | None = await work.load(self._kinds.ward, stream.stream_id)
            if ward is not None:
                wards.append(ward)
        return tuple(wards)

    async def of_referral(self, work: Work, referral: str) -> Ward | None:
        """The ward in which the referral has a bed, held or occupied."""
        hold = await self._store.find_claim(_REFERRAL_CLAIM, referral)
        return None if hold is None else await self.of_hold(work, hold)

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
