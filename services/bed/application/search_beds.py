"""Where there is a bed for a patient. Beds are no patient's record: every facility may search."""

from datetime import datetime

from services.bed.application.reading import WardReading
from services.bed.domain.search import BedSearch, Facility, FoundBeds, found_beds, reachable
from services.shared.copies.document_copies import DocumentCopies

#: Facilities that are told of, and whose wards are looked at in one go.
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
        """The nearest first; nothing where no bed would take the patient.

        Most places near by are clinics without a bed of the type: it goes on until enough have one.
        """
        places = reachable(self._facilities.current(), search)
        found: list[FoundBeds] = []
        for start in range(0, len(places), _PLACES_MAX):
            asked = places[start : start + _PLACES_MAX]
            wards = await self._reading.by_facility(
                tuple(place.facility.id for place in asked), search.wanted_type
            )
            found += found_beds(asked, wards, search, now=now, stale_after_s=self._stale_after_s)
            if len(found) >= _PLACES_MAX:
                break
        return tuple(found[:_PLACES_MAX])
