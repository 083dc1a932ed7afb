"""Remembers which encounters have ended, so that a hospital system may send again what it sent before."""

from services.bed.domain.events import BedVacated
from services.bed.domain.state import Ward, stream_id
from services.bed.domain.ward import encounter_key
from services.shared.eventstore.store import EventStore
from services.shared.eventstore.units import Document

_KIND = "ended-encounter"


def ended_document(ward: Ward, event: BedVacated) -> Document:
    """Written with the event that ends the encounter: its key says which one, its value where."""
    return Document(
        kind=_KIND,
        key=encounter_key(ward.facility, event.encounter),
        version=ward.version,
        value=stream_id(ward.id).encode(),
    )


async def ward_of_ended(store: EventStore, facility: str, encounter: str) -> str | None:
    """The stream of the ward that the encounter ended in; None for one that has not ended."""
    found = await store.load_document(_KIND, encounter_key(facility, encounter))
    return None if found is None else found.value.decode()
