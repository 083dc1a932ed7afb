"""A facility's waiting list: who joins it, who leaves it, and who is on it."""

from services.bed.application.aggregates import Aggregates
from services.bed.application.ended_referrals import ensure_goes_on
from services.bed.application.finding_wards import WardFinder
from services.bed.application.hold_bed import placed
from services.bed.domain import bed_desk
from services.bed.domain import ward as wards
from services.bed.domain.bed_desk import BedDesk
from services.bed.domain.desk_commands import JoinWaitingList, LeaveWaitingList
from services.bed.domain.permissions import ensure_may_see_waiting
from services.bed.domain.values import BedType, WaitingEntry
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.store import EventStore
from services.shared.eventstore.work import Reply, UseCase, Work
from services.shared.kernel.actor import Actor


class WaitingLists:
    """Commands and questions about waiting lists."""

    def __init__(
        self, store: EventStore, kinds: Aggregates, finder: WardFinder, runner: CommandRunner
    ) -> None:
        self._store = store
        self._kinds = kinds
        self._finder = finder
        self._runner = runner

    def join(self, command: JoinWaitingList) -> UseCase[BedDesk]:
        """Answers with the desk. Raises as `bed_desk.decide`; NotAllowed: REFERRAL_HAS_BED,
        WAITS_ELSEWHERE, REFERRAL_ENDED."""

        async def use_case(work: Work) -> Reply[BedDesk]:
            name = bed_desk.stream_id(command.facility)
            desk = await work.load_target(self._kinds.desk, name)
            candidates = await self._finder.of_facility(work, command.facility, command.bed_type)
            events = bed_desk.decide(desk, command, work.context, facility=command.facility, wards=candidates)
            await ensure_goes_on(self._store, command.referral)
            await self._ensure_without_bed(work, command)
            for ward in candidates:
                work.guard(wards.stream_id(ward.id))
            if events:
                await work.record(self._kinds.desk, name, events)
            return work.reply(self._kinds.desk, name)

        return use_case

    async def _ensure_without_bed(self, work: Work, command: JoinWaitingList) -> None:
        place = await self._finder.of_referral(work, command.referral)
        if place is None or (place.desk is not None and place.facility == command.facility):
            return
        raise placed(place, command.referral)

    def leave(self, command: LeaveWaitingList) -> UseCase[BedDesk]:
        """Answers with the desk. Raises as `bed_desk.decide`."""

        async def use_case(work: Work) -> Reply[BedDesk]:
            name = bed_desk.stream_id(command.facility)
            desk = await work.load_target(self._kinds.desk, name)
            events = bed_desk.decide(desk, command, work.context, facility=command.facility)
            await work.record(self._kinds.desk, name, events)
            return work.reply(self._kinds.desk, name)

        return use_case

    async def entries(
        self, facility: str, bed_type: BedType | None, actor: Actor
    ) -> tuple[WaitingEntry, ...]:
        """Who waits, by bed type and then in the order in which beds are given. Raises NotPermitted."""
        ensure_may_see_waiting(actor, facility)
        desk = (await self._runner.read(self._kinds.desk, bed_desk.stream_id(facility))).state
        return by_type(desk, bed_type)


def by_type(desk: BedDesk | None, bed_type: BedType | None = None) -> tuple[WaitingEntry, ...]:
    """The desk's list by bed type, of one type or all."""
    waiting = desk.waiting if desk is not None else ()
    order = list(BedType)
    found = [entry for entry in waiting if bed_type in {None, entry.bed_type}]
    # Sorting keeps the order within a type.
    return tuple(sorted(found, key=lambda entry: order.index(entry.bed_type)))
