"""Follows referrals: an acceptance holds a bed or waits for one, an arrival occupies it, an end gives it
back.

A patient who already lies in a bed when the referral ends stays there until the ward vacates it.
"""

from dataclasses import dataclass

from services.bed.application.aggregates import Aggregates
from services.bed.application.ended_referrals import note_end
from services.bed.application.finding_wards import WardFinder
from services.bed.application.hold_bed import Holding
from services.bed.application.ward_recording import WardRecorder
from services.bed.domain import bed_desk
from services.bed.domain import ward as wards
from services.bed.domain.commands import AdjustHold, GiveUpHold, HoldBed, MarkInTransit, OccupyOnArrival
from services.bed.domain.values import CodedReason
from services.shared.eventstore.store import EventStore
from services.shared.eventstore.work import Reaction, Work


@dataclass(frozen=True, kw_only=True, slots=True)
class BedWanted:
    """A destination accepted, or took a diverted patient: it is to hold a bed."""

    hold: HoldBed


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferralMoved:
    """The referral went on; its hold goes with it."""

    command: AdjustHold | MarkInTransit | OccupyOnArrival | GiveUpHold


@dataclass(frozen=True, kw_only=True, slots=True)
class PatientDiverted:
    """The patient goes elsewhere: the old hold ends; the new destination holds a bed if one is needed."""

    referral: str
    reason: CodedReason
    hold: HoldBed | None


News = BedWanted | ReferralMoved | PatientDiverted


class FollowReferral:
    """Turns news of a referral into what wards and desks do."""

    def __init__(
        self,
        store: EventStore,
        kinds: Aggregates,
        finder: WardFinder,
        recorder: WardRecorder,
        holding: Holding,
    ) -> None:
        self._store = store
        self._kinds = kinds
        self._finder = finder
        self._recorder = recorder
        self._holding = holding

    def follow(self, news: News) -> Reaction:
        async def reaction(work: Work) -> None:
            match news:
                case BedWanted(hold=hold):
                    await self._holding.follow_acceptance(work, hold)
                case ReferralMoved(command=command):
                    if isinstance(command, GiveUpHold):
                        await note_end(self._store, work, command)
                    await self._move(work, command)
                case PatientDiverted(referral=referral, reason=reason, hold=hold):
                    # The referral goes on, whatever the reason is called.
                    await self._move(work, GiveUpHold(referral=referral, reason=reason))
                    if hold is not None:
                        await self._holding.follow_acceptance(work, hold)

        return reaction

    async def _move(
        self, work: Work, command: AdjustHold | MarkInTransit | OccupyOnArrival | GiveUpHold
    ) -> None:
        """The bed follows, or the place on a waiting list."""
        place = await self._finder.of_referral(work, command.referral)
        if place is not None and place.ward is not None:
            await self._recorder.decide(work, place.ward, command, wards.stream_id(place.ward.id))
        elif place is not None and place.desk is not None:
            desk = place.desk
            events = bed_desk.decide(desk, command, work.context, facility=desk.facility)
            if events:
                await work.record(self._kinds.desk, desk.name, events)
