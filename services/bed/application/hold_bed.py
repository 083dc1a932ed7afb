"""A bed for one referral: in the facility's best fitting ward, or the desk's word that there is none."""

from services.bed.application.aggregates import Aggregates
from services.bed.application.finding_wards import WardFinder
from services.bed.domain import bed_desk
from services.bed.domain import ward as wards
from services.bed.domain.commands import HoldBed
from services.bed.domain.fitting import choose_ward, unavailable_reason
from services.bed.domain.state import Ward, bed_of_referral
from services.shared.eventstore.work import Reply, UseCase, Work


class Holding:
    """Holds beds, asked by people or by an accepted referral."""

    def __init__(self, kinds: Aggregates, finder: WardFinder) -> None:
        self._kinds = kinds
        self._finder = finder

    def hold_bed(self, command: HoldBed) -> UseCase[Ward]:
        """Answers with the ward in which the bed is held. Raises NotAllowed when there is none."""

        async def use_case(work: Work) -> Reply[Ward]:
            ward = await self.apply(work, command)
            if ward is None:
                raise LookupError("a desk that records no refusal must refuse")
            return work.reply(self._kinds.ward, wards.stream_id(ward.id))

        return use_case

    async def apply(self, work: Work, command: HoldBed) -> Ward | None:
        """The ward in which the bed is held; None where the desk recorded that there is none."""
        candidates = await self._finder.of_facility(work, command.facility, command.bed_type)
        holding = next((ward for ward in candidates if bed_of_referral(ward, command.referral)), None)
        ward = holding or choose_ward(candidates, command)
        if ward is None:
            await self._refuse(work, command, candidates)
            return None
        name = wards.stream_id(ward.id)
        events = wards.decide(ward, command, work.context)
        if not events:
            return ward
        after: Ward = await work.record(self._kinds.ward, name, events)
        return after

    async def _refuse(self, work: Work, command: HoldBed, candidates: tuple[Ward, ...]) -> None:
        name = bed_desk.stream_id(command.facility)
        desk = await work.load(self._kinds.desk, name)
        reason = unavailable_reason(candidates, command)
        events = bed_desk.decide(desk, command, work.context, reason=reason)
        await work.record(self._kinds.desk, name, events)
