"""Opens a referral, in its patient's episode."""

from services.referral.application.aggregates import Aggregates
from services.referral.application.episode_membership import (
    join_episode,
    live_referrals_of,
    membership_of,
    open_or_load_episode,
)
from services.referral.application.known_directory import KnownDirectory
from services.referral.domain import episode as episodes
from services.referral.domain import referral as referrals
from services.referral.domain.commands import CreateReferral
from services.referral.domain.consultation_state import Consultation
from services.referral.domain.episode_state import Episode
from services.referral.domain.policy import ReferralPolicy
from services.referral.domain.referral_state import Referral
from services.referral.domain.transfer_prefill import ReferralDraft, followed, prefilled
from services.shared.eventstore.work import Reply, UseCase, Work
from services.shared.kernel.refusals import FailedRule, NotAllowed, NotFound
from services.shared.kernel.text import BilingualText


class ReferralCreation:
    """Decides CreateReferral."""

    def __init__(self, kinds: Aggregates, directory: KnownDirectory, policy: ReferralPolicy) -> None:
        self._kinds = kinds
        self._directory = directory
        self._policy = policy

    def create(self, draft: ReferralDraft, name: str) -> UseCase[Referral]:
        """Answers with the new referral. What the draft leaves out, the consultation that it follows says."""

        async def use_case(work: Work) -> Reply[Referral]:
            state = await work.load_target(self._kinds.referral, name)
            if state is not None:
                # The name follows from the request id: this request was carried out before.
                raise _requested_before(state)
            command = await self._completed(work, draft)
            directory = self._directory.current()
            live: tuple[str, ...] = ()
            patient: str | None = None
            if command.episode:
                episode: Episode | None = await work.load(self._kinds.episode, command.episode)
                if episode is None:
                    raise NotFound(episodes.RESOURCE, command.episode)
                # Before anything is decided: a refusal that names the live referral would tell a stranger.
                episodes.ensure_may_enter(episode, work.context.actor, directory)
                patient = episode.patient
                live = await live_referrals_of(work, self._kinds, command.episode)
            events = referrals.decide_create(
                command,
                work.context,
                directory=directory,
                policy=self._policy,
                live_referrals=live,
                episode_patient=patient,
            )
            joined = await open_or_load_episode(
                work,
                self._kinds,
                directory,
                episode=command.episode,
                patient=command.patient,
                pathway=command.pathway,
            )
            referral = await work.record(self._kinds.referral, name, events)
            await join_episode(work, self._kinds, joined, membership_of(referral), directory)
            return work.reply(self._kinds.referral, name)

        return use_case

    async def _completed(self, work: Work, draft: ReferralDraft) -> CreateReferral:
        if not draft.consultation:
            return prefilled(draft, None)
        consultation: Consultation | None = await work.load(self._kinds.consultation, draft.consultation)
        return prefilled(draft, followed(draft, consultation, work.context.actor))


def _requested_before(state: Referral) -> NotAllowed:
    rule = FailedRule(
        code="ALREADY_REQUESTED",
        text=BilingualText(zh="该转诊已发起", en="this referral was requested before"),
    )
    return NotAllowed(
        state=state.state.value,
        allowed_commands=referrals.allowed_commands(state),
        failed_rules=(rule,),
        resource_name=state.name,
    )
