"""Follows referrals: an acceptance holds a bed, an arrival occupies it, an end gives it back.

A patient who already lies in a bed when the referral ends stays there until the ward vacates it.
"""

from dataclasses import dataclass
from datetime import datetime

from services.bed.application.aggregates import Aggregates
from services.bed.application.finding_wards import WardFinder
from services.bed.application.hold_bed import Holding
from services.bed.domain import ward as wards
from services.bed.domain.commands import AdjustHold, AdmitPatient, GiveUpHold, HoldBed, MarkInTransit
from services.bed.domain.values import CodedReason
from services.shared.eventstore.work import Reaction, Work


@dataclass(frozen=True, kw_only=True, slots=True)
class BedWanted:
    """A destination accepted, or took a diverted patient: it is to hold a bed."""

    hold: HoldBed


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferralMoved:
    """The referral went on; its hold goes with it."""

    command: AdjustHold | MarkInTransit | AdmitPatient | GiveUpHold


@dataclass(frozen=True, kw_only=True, slots=True)
class PatientDiverted:
    """The patient goes elsewhere: the old hold ends; the new destination holds a bed if one is needed."""

    referral: str
    reason: CodedReason
    hold: HoldBed | None
    expires_at: datetime | None = None


News = BedWanted | ReferralMoved | PatientDiverted


class FollowReferral:
    """Turns news of a referral into what the wards do."""

    def __init__(self, kinds: Aggregates, finder: WardFinder, holding: Holding) -> None:
        self._kinds = kinds
        self._finder = finder
        self._holding = holding

    def follow(self, news: News) -> Reaction:
        async def reaction(work: Work) -> None:
            match news:
                case BedWanted(hold=hold):
                    await self._holding.apply(work, hold)
                case ReferralMoved(command=command):
                    await self._move(work, command)
                case PatientDiverted():
                    await self._divert(work, news)

        return reaction

    async def _move(
        self, work: Work, command: AdjustHold | MarkInTransit | AdmitPatient | GiveUpHold
    ) -> None:
        ward = await self._finder.of_referral(work, command.referral)
        if ward is None:
            return
        events = wards.decide(ward, command, work.context)
        if events:
            await work.record(self._kinds.ward, wards.stream_id(ward.id), events)

    async def _divert(self, work: Work, news: PatientDiverted) -> None:
        await self._move(work, GiveUpHold(referral=news.referral, reason=news.reason))
        if news.hold is None:
            return
        ward = await self._holding.apply(work, news.hold)
        if ward is not None:
            # The patient is on the road already: this hold must not lapse under them.
            events = wards.decide(
                ward, MarkInTransit(referral=news.referral, expires_at=news.expires_at), work.context
            )
            if events:
                await work.record(self._kinds.ward, wards.stream_id(ward.id), events)
