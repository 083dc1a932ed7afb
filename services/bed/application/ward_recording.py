"""Writes what happened in a ward, with all that follows from it in the same unit: a bed that becomes free
is held for whoever waits for it.
"""

from collections.abc import Sequence

from services.bed.application.aggregates import Aggregates
from services.bed.application.ended_encounters import ended_document
from services.bed.domain import bed_desk, holds
from services.bed.domain import ward as wards
from services.bed.domain.bed_desk import BedDesk
from services.bed.domain.events import BedVacated, Event
from services.bed.domain.fitting import choose_bed
from services.bed.domain.state import Ward
from services.bed.domain.waiting import next_served, opens_beds, request_of
from services.shared.eventstore.work import Work


class WardRecorder:
    """Every change of a ward goes through here."""

    def __init__(self, kinds: Aggregates) -> None:
        self._kinds = kinds

    async def record(self, work: Work, before: Ward | None, name: str, events: Sequence[Event]) -> Ward:
        """The ward after `events`, and after the holds for those who waited for a bed of it.

        The list is read in the unit that frees the bed, and guarded by it: who joins at the same moment makes
        the unit decide again, or is decided again on the free bed.
        """
        after = await work.record(self._kinds.ward, name, events)
        for event in events:
            if isinstance(event, BedVacated) and event.encounter:
                work.put(ended_document(after, event))
        if before is None or before.bed_type is not after.bed_type:
            await self._list(work, after)
        if opens_beds(before, after):
            after = await self._serve(work, name, after)
        return after

    async def _list(self, work: Work, ward: Ward) -> BedDesk | None:
        name = bed_desk.stream_id(ward.facility)
        desk: BedDesk | None = await work.load(self._kinds.desk, name)
        events = bed_desk.listed(desk, ward)
        if events:
            desk = await work.record(self._kinds.desk, name, events)
        return desk

    async def _serve(self, work: Work, name: str, ward: Ward) -> Ward:
        desk_name = bed_desk.stream_id(ward.facility)
        desk = await work.load(self._kinds.desk, desk_name)
        if desk is None:
            # Nothing can guard what does not exist: two units that both find no desk must meet somewhere.
            desk = await self._list(work, ward)
        while desk is not None and (found := next_served(desk.waiting, (ward,))) is not None:
            entry, _ = found
            request = request_of(entry, work.context.recorded_at)
            bed = choose_bed(ward, request)
            if bed is None:
                raise LookupError(f"no bed of {name} fits whom it was chosen for")
            held = holds.held_for(ward, bed, request, work.context, entry.referral)
            ward = await work.record(self._kinds.ward, name, (held,))
            desk = await work.record(self._kinds.desk, desk_name, (bed_desk.served(entry, held.hold),))
        work.guard(desk_name)
        return ward

    async def decide(self, work: Work, before: Ward | None, command: wards.Command, name: str) -> Ward | None:
        """Has the ward decide, and writes what comes of it. Raises as `ward.decide`."""
        events = wards.decide(before, command, work.context)
        return await self.record(work, before, name, events) if events else before
