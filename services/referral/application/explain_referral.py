"""What is known of a referral before anything is created."""

import asyncio
from datetime import datetime

from services.referral.application.aggregates import Aggregates
from services.referral.application.known_beds import KnownAcceptances, KnownBeds
from services.referral.application.known_directory import KnownDirectory
from services.referral.domain.explaining import (
    DestinationExplanation,
    ExplainReferral,
    Known,
    explain,
    question,
)
from services.referral.domain.policy import ReferralPolicy
from services.referral.domain.referral_state import Referral, is_live
from services.referral.domain.values import Urgency
from services.shared.eventstore.runner import CommandRunner
from services.shared.kernel.actor import Actor


class ReferralExplanation:
    """Answers ExplainReferral; writes nothing."""

    def __init__(
        self,
        *,
        runner: CommandRunner,
        kinds: Aggregates,
        directory: KnownDirectory,
        beds: KnownBeds,
        acceptances: KnownAcceptances,
        policy: ReferralPolicy,
    ) -> None:
        self._runner = runner
        self._kinds = kinds
        self._directory = directory
        self._beds = beds
        self._acceptances = acceptances
        self._policy = policy

    async def explain(
        self, query: ExplainReferral, actor: Actor, now: datetime
    ) -> tuple[DestinationExplanation, ...]:
        """One for each destination, the best first.

        Raises InvalidInput for an unknown facility, DependencyDown when the store is away.
        """
        asked = question(
            query,
            actor_facility=actor.facility,
            directory=self._directory.current(),
            policy=self._policy,
            live_referrals=await self._live(query.episode),
            now=now,
        )
        ids = [facility.id for facility in asked.candidates]
        # Bounded: no more than explaining.SUGGESTIONS_MAX facilities, each with two look-ups by key.
        known = await asyncio.gather(*(self._known(each, query.urgency) for each in ids))
        return explain(asked, dict(zip(ids, known, strict=True)), now)

    async def _known(self, facility: str, urgency: Urgency) -> Known:
        return Known(
            wards=await self._beds.of(facility), acceptances=await self._acceptances.of(facility, urgency)
        )

    async def _live(self, episode_name: str) -> tuple[str, ...]:
        if not episode_name:
            return ()
        episode = (await self._runner.read(self._kinds.episode, episode_name)).state
        live = []
        for member in () if episode is None else episode.members:
            if member.startswith("referrals/"):
                referral: Referral | None = (await self._runner.read(self._kinds.referral, member)).state
                if referral is not None and is_live(referral):
                    live.append(member)
        return tuple(live)
