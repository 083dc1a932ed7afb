"""Where there is a bed for a patient. Beds are no patient's record: every facility may search."""

from datetime import datetime

from services.bed.application.reading import WardReading
from services.bed.domain.search import BedSearch, Facility, FoundBeds, found_beds, reachable
from services.shared.copies.document_copies import DocumentCopies

#: Facilities whose wards are looked at; the answer is the nearest of them.
_PLACES_MAX = 50


class BedSearching:
    """Searches the wards of the facilities within reach. Raises DependencyDown when the store is away."""

    def __init__(
        self, reading: WardReading, facilities: DocumentCopies[Facility], *, stale_after_s: float
    ) -> None:
        self._reading = reading
        self._facilities = facilities
        self._stale_after_s = stale_after_s

    async def search(self, search: BedSearch, now: datetime) -> tuple[FoundBeds, ...]:
        """The nearest first; nothing where no bed would take the patient."""
        places = reachable(self._facilities.current(), search, at_most=_PLACES_MAX)
        wards = await self._reading.by_facility(
            tuple(place.facility.id for place in places), search.wanted_type
        )
        return found_beds(places, wards, search, now=now, stale_after_s=self._stale_after_s)
