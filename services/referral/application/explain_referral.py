"""What the norms say of a referral before anything is created."""

from services.referral.application.aggregates import Aggregates
from services.referral.application.known_directory import KnownDirectory
from services.referral.domain import referral as referrals
from services.referral.domain.norms import DestinationExplanation, ExplainReferral
from services.referral.domain.policy import ReferralPolicy
from services.referral.domain.referral_state import Referral, is_live
from services.shared.eventstore.runner import CommandRunner
from services.shared.kernel.actor import Actor


class ReferralExplanation:
    """Answers ExplainReferral; writes nothing."""

    def __init__(
        self, runner: CommandRunner, kinds: Aggregates, directory: KnownDirectory, policy: ReferralPolicy
    ) -> None:
        self._runner = runner
        self._kinds = kinds
        self._directory = directory
        self._policy = policy

    async def explain(self, query: ExplainReferral, actor: Actor) -> tuple[DestinationExplanation, ...]:
        """One for each destination. Raises InvalidInput for an unknown facility."""
        return referrals.explain(
            query,
            actor_facility=actor.facility,
            directory=self._directory.current(),
            policy=self._policy,
            live_referrals=await self._live(query.episode),
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
