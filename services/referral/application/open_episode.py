"""Opens an episode before anybody is referred: thrombolysis at the branch belongs to it."""

from services.referral.application.aggregates import Aggregates
from services.referral.domain import episode as episodes
from services.referral.domain.episode_commands import OpenEpisode
from services.referral.domain.episode_state import Episode
from services.shared.eventstore.work import Reply, UseCase, Work


def open_episode(kinds: Aggregates, command: OpenEpisode, name: str) -> UseCase[Episode]:
    """Answers with the new episode."""

    async def use_case(work: Work) -> Reply[Episode]:
        state = await work.load_target(kinds.episode, name)
        await work.record(kinds.episode, name, episodes.decide(state, command, work.context))
        return work.reply(kinds.episode, name)

    return use_case
