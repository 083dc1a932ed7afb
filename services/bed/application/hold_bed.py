"""Holds a bed of a facility for one referral, in the ward that fits best; where there is none, it waits."""

from services.bed.application.aggregates import Aggregates
from services.bed.application.ended_referrals import ensure_goes_on
from services.bed.application.finding_wards import Place, WardFinder
from services.bed.application.ward_recording import WardRecorder
from services.bed.domain import bed_desk
from services.bed.domain import ward as wards
from services.bed.domain.commands import AdjustHold, GiveUpHold, HoldBed
from services.bed.domain.fitting import choose_ward
from services.bed.domain.state import Ward, bed_of_referral
from services.bed.domain.texts import failed
from services.bed.domain.values import BedState, CodedReason, UnavailableReason
from services.shared.eventstore.store import EventStore
from services.shared.eventstore.work import Reply, UseCase, Work
from services.shared.kernel.refusals import NotAllowed

_ACCEPTED_ELSEWHERE = CodedReason(code="ACCEPTED_ELSEWHERE")


class Holding:
    """Holds beds, asked by people or by an accepted referral."""

    def __init__(
        self, store: EventStore, kinds: Aggregates, finder: WardFinder, recorder: WardRecorder
    ) -> None:
        self._store = store
        self._kinds = kinds
        self._finder = finder
        self._recorder = recorder

    def hold_bed(self, command: HoldBed) -> UseCase[Ward]:
        """Answers with the ward in which the bed is held. Raises NotAllowed when there is none, and for a
        referral that has ended (REFERRAL_ENDED)."""

        async def use_case(work: Work) -> Reply[Ward]:
            ward = await self._apply(work, command)
            if ward is None:
                raise LookupError("a desk that records no refusal must refuse")
            return work.reply(self._kinds.ward, wards.stream_id(ward.id))

        return use_case

    async def follow_acceptance(self, work: Work, command: HoldBed) -> None:
        """Holds a bed for an accepted referral. What it had or waited for elsewhere it gives up; a patient
        who lies there stays, and the desk here says that it has no bed for that reason."""
        place = await self._finder.of_referral(work, command.referral)
        reason: UnavailableReason | None = None
        if place is not None and place.ward is not None and place.facility == command.facility:
            # Somebody held a bed before the acceptance: from now on it is the acceptance's.
            adjust = AdjustHold(referral=command.referral, expires_at=command.expires_at)
            await self._recorder.decide(work, place.ward, adjust, wards.stream_id(place.ward.id))
            return
        if place is not None and place.facility != command.facility:
            given_up = GiveUpHold(referral=command.referral, reason=_ACCEPTED_ELSEWHERE)
            await self._give_up(work, place, given_up)
            bed = bed_of_referral(place.ward, command.referral) if place.ward is not None else None
            if bed is not None and bed.state is BedState.OCCUPIED:
                reason = UnavailableReason.IN_BED_ELSEWHERE
        if reason is not None:
            await self._refuse(work, command, (), reason)
        else:
            await self._apply(work, command)

    async def _give_up(self, work: Work, place: Place, command: GiveUpHold) -> None:
        if place.ward is not None:
            await self._recorder.decide(work, place.ward, command, wards.stream_id(place.ward.id))
        elif place.desk is not None:
            facility = place.desk.facility
            events = bed_desk.decide(place.desk, command, work.context, facility=facility)
            if events:
                await work.record(self._kinds.desk, place.desk.name, events)

    async def _apply(self, work: Work, command: HoldBed) -> Ward | None:
        """The ward in which the bed is held; None where the desk recorded that there is none."""
        candidates = await self._finder.of_facility(work, command.facility, command.bed_type)
        ward = _holding(candidates, command) or choose_ward(candidates, command)
        if ward is None:
            await self._refuse(work, command, candidates, None)
            return None
        name = wards.stream_id(ward.id)
        events = wards.decide(ward, command, work.context)
        if not events:
            return ward
        if not command.record_refusal:
            # Who asks in vain is told so without this question; events of one referral come in order.
            await ensure_goes_on(self._store, command.referral)
        await self._ensure_not_elsewhere(work, command)
        after = await self._recorder.record(work, ward, name, events)
        await self._take_off_the_list(work, command, after)
        return after

    async def _ensure_not_elsewhere(self, work: Work, command: HoldBed) -> None:
        """The database refuses a second bed whatever is found here; this says why."""
        if not work.is_fresh or command.record_refusal:
            return
        place = await self._finder.of_referral(work, command.referral)
        if place is None:
            return
        # One that waits here is served. One that just got its bed here, from somebody else, is found by the
        # next try.
        is_here = place.facility == command.facility
        if is_here and (place.ward is None or place.ward.bed_type is command.bed_type):
            return
        raise placed(place, command.referral)

    async def _take_off_the_list(self, work: Work, command: HoldBed, ward: Ward) -> None:
        """A referral that waited here, and got a bed because more is known of it, waits no more."""
        name = bed_desk.stream_id(command.facility)
        desk = await work.load(self._kinds.desk, name)
        entry = bed_desk.entry_of_referral(desk, command.referral)
        bed = bed_of_referral(ward, command.referral)
        if entry is not None and bed is not None and bed.hold is not None:
            await work.record(self._kinds.desk, name, (bed_desk.served(entry, bed.hold),))

    async def _refuse(
        self, work: Work, command: HoldBed, candidates: tuple[Ward, ...], reason: UnavailableReason | None
    ) -> None:
        """Raises NotAllowed, or records that there is no bed; the wards must be as they were found then."""
        name = bed_desk.stream_id(command.facility)
        desk = await work.load(self._kinds.desk, name)
        events = bed_desk.decide(
            desk, command, work.context, facility=command.facility, wards=candidates, reason=reason
        )
        for ward in candidates:
            work.guard(wards.stream_id(ward.id))
        await work.record(self._kinds.desk, name, events)


def placed(place: Place, referral: str) -> NotAllowed:
    """The refusal of a second bed, or a second place to wait at: REFERRAL_HAS_BED, WAITS_ELSEWHERE."""
    if place.ward is None:
        rule = failed("WAITS_ELSEWHERE", facility=place.facility)
    else:
        bed = bed_of_referral(place.ward, referral)
        where = f"{place.ward.id} {bed.id}" if bed is not None else place.ward.id
        rule = failed("REFERRAL_HAS_BED", place=where)
    return NotAllowed(state="PLACED", allowed_commands=(), failed_rules=(rule,), resource_name=referral)


def _holding(candidates: tuple[Ward, ...], command: HoldBed) -> Ward | None:
    return next((ward for ward in candidates if bed_of_referral(ward, command.referral)), None)
