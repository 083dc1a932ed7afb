"""How referrals and consultations enter an episode: what the use cases that create or move them share."""

from services.referral.application.aggregates import Aggregates
from services.referral.domain import episode as episodes
from services.referral.domain.directory_state import Directory
from services.referral.domain.episode_commands import EndMove, JoinEpisode, OpenEpisode
from services.referral.domain.referral_state import Referral, ended_before_departure, is_live
from services.referral.domain.referral_values import OfferState
from services.referral.domain.values import Direction, Pathway
from services.shared.eventstore.work import Work
from services.shared.kernel.refusals import NotFound


async def open_or_load_episode(
    work: Work, kinds: Aggregates, directory: Directory, *, episode: str, patient: str, pathway: Pathway
) -> str:
    """The name of the episode to join; an empty one is opened, named after the request id.

    Raises NotFound when the named one does not exist.
    """
    if episode:
        if await work.load(kinds.episode, episode) is None:
            raise NotFound(episodes.RESOURCE, episode)
        return episode
    name = episodes.opened_by_request(work.context.request_id)
    state = await work.load(kinds.episode, name)
    if state is None:
        opening = OpenEpisode(patient=patient, pathway=pathway)
        await work.record(
            kinds.episode, name, episodes.decide(None, opening, work.context, directory=directory)
        )
    return name


async def join_episode(
    work: Work, kinds: Aggregates, episode: str, command: JoinEpisode, directory: Directory
) -> None:
    """Records what of the membership is new, if anything. Raises NotAllowed in a closed episode."""
    state = await work.load(kinds.episode, episode)
    events = episodes.decide(state, command, work.context, directory=directory)
    if events:
        await work.record(kinds.episode, episode, events)


async def end_move(
    work: Work, kinds: Aggregates, before: Referral, after: Referral, directory: Directory
) -> None:
    """Tells the episode that a referral was over before the patient left: no door out is waited for."""
    if not ended_before_departure(before, after):
        return
    state = await work.load(kinds.episode, after.episode)
    events = episodes.decide(state, EndMove(member=after.name), work.context, directory=directory)
    if events:
        await work.record(kinds.episode, after.episode, events)


async def live_referrals_of(work: Work, kinds: Aggregates, episode: str) -> tuple[str, ...]:
    """Names of the live referrals of an episode.

    Whoever creates another one joins the episode in the same unit, which moves its version: two that look
    at once cannot both find none.
    """
    state = await work.load(kinds.episode, episode)
    live = []
    for member in () if state is None else state.members:
        if member.startswith("referrals/"):
            referral: Referral | None = await work.load(kinds.referral, member)
            if referral is not None and is_live(referral):
                live.append(member)
    return tuple(live)


def membership_of(referral: Referral) -> JoinEpisode:
    """What a referral brings into its episode: the origin, and the destination that accepted."""
    accepted = tuple(offer.facility for offer in referral.offers if offer.state is OfferState.ACCEPTED)
    onward = referral.direction is not Direction.DOWN
    return JoinEpisode(
        member=referral.name,
        patient=referral.patient,
        facilities=tuple(dict.fromkeys((referral.origin_facility, *accepted))),
        sending_facility=referral.origin_facility if onward else "",
    )
