"""Every command of a referral that exists, with what it moves beside: its episode, and a referral that follows."""


from services.referral.application.aggregates import Aggregates
from services.referral.application.known_directory import KnownDirectory
from services.referral.domain import referral as referrals
from services.referral.domain.commands import Command
from services.referral.domain.policy import ReferralPolicy
from services.referral.domain.referral_state import Referral
from services.shared.eventstore.runner import Reply, UseCase, Work
from services.shared.kernel.refusals import NotFound


class ReferralChanges:
    """Decides commands on referrals and writes what follows from them, in one unit."""

    def __init__(self, kinds: Aggregates, directory: KnownDirectory, policy: ReferralPolicy) -> None:
        self._kinds = kinds
        self._directory = directory
        self._policy = policy

    def change(self, command: Command, name: str) -> UseCase[Referral]:
        """Answers with the referral after the command."""

        async def use_case(work: Work) -> Reply[Referral]:
            await self.apply(work, command, name)
            return work.reply(self._kinds.referral, name)

        return use_case

    async def apply(self, work: Work, command: Command, name: str) -> None:
        """Raises NotFound, NotPermitted, NotAllowed, StaleVersion, InvalidInput."""
        state = await work.load_target(self._kinds.referral, name)
        if state is None:
            raise NotFound(referrals.RESOURCE, name)
        directory = self._directory.current()
        child = (
            await work.load(self._kinds.referral, state.referred_back_to) if state.referred_back_to else None
        )
        events = referrals.decide(
            state, command, work.context, directory=directory, policy=self._policy, child=child
        )
        if not events:
            return
        after = await work.record(self._kinds.referral, name, events)
        await self._open_child(work, state, events)
        await self._join(work, state, after)
