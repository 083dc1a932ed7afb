"""Opens an episode before anybody is referred: thrombolysis at the branch belongs to it."""

from services.referral.application.aggregates import Aggregates
from services.referral.application.known_directory import KnownDirectory
from services.referral.domain import episode as episodes
from services.referral.domain.episode_commands import OpenEpisode
from services.referral.domain.episode_state import Episode
from services.shared.eventstore.work import Reply, UseCase, Work


def open_episode(
    kinds: Aggregates, directory: KnownDirectory, command: OpenEpisode, name: str
) -> UseCase[Episode]:
    """Answers with the new episode."""

    async def use_case(work: Work) -> Reply[Episode]:
        state = await work.load_target(kinds.episode, name)
        events = episodes.decide(state, command, work.context, directory=directory.current())
        await work.record(kinds.episode, name, events)
        return work.reply(kinds.episode, name)

    return use_case
