"""Milestones, corrections, exclusions and the end of an episode."""

from services.referral.application.aggregates import Aggregates
from services.referral.application.known_directory import KnownDirectory
from services.referral.domain import episode as episodes
from services.referral.domain.clocks_targets import ClockTarget
from services.referral.domain.consultation_state import Consultation
from services.referral.domain.consultation_transitions import LIVE
from services.referral.domain.episode_commands import CloseEpisode, EpisodeCommand
from services.referral.domain.episode_state import Episode
from services.referral.domain.referral_state import Referral, is_terminal
from services.referral.domain.standing_state import LIVE as STANDING_LIVE
from services.referral.domain.standing_state import StandingOrder
from services.shared.eventstore.work import Reply, UseCase, Work
from services.shared.kernel.refusals import NotFound


def change_episode(
    kinds: Aggregates,
    directory: KnownDirectory,
    targets: tuple[ClockTarget, ...],
    command: EpisodeCommand,
    name: str,
) -> UseCase[Episode]:
    """Answers with the episode after the command."""

    async def use_case(work: Work) -> Reply[Episode]:
        state = await work.load_target(kinds.episode, name)
        if state is None:
            raise NotFound(episodes.RESOURCE, name)
        live = await _live_members(work, kinds, state) if isinstance(command, CloseEpisode) else None
        events = episodes.decide(
            state,
            command,
            work.context,
            directory=directory.current(),
            live_members=live,
            targets=targets,
        )
        await work.record(kinds.episode, name, events)
        return work.reply(kinds.episode, name)

    return use_case


async def _live_members(work: Work, kinds: Aggregates, episode: Episode) -> tuple[str, ...]:
    """Members that are not over. Who is over stays so, and a new member moves the version."""
    live = []
    for member in episode.members:
        if member.startswith("referrals/"):
            referral: Referral | None = await work.load(kinds.referral, member)
            over = referral is None or is_terminal(referral)
        elif member.startswith("standing_orders/"):
            order: StandingOrder | None = await work.load(kinds.standing, member)
            over = order is None or order.state not in STANDING_LIVE
        else:
            consultation: Consultation | None = await work.load(kinds.consultation, member)
            over = consultation is None or consultation.state not in LIVE
        if not over:
            live.append(member)
    return tuple(live)
