"""A question travels to a centre, and into its patient's episode."""

from services.referral.application.aggregates import Aggregates
from services.referral.application.episode_membership import join_episode, open_or_load_episode
from services.referral.application.known_directory import KnownDirectory
from services.referral.domain import consultation as consultations
from services.referral.domain.consultation_commands import RequestConsultation
from services.referral.domain.consultation_policy import ConsultationPolicy
from services.referral.domain.consultation_state import Consultation
from services.referral.domain.episode_commands import JoinEpisode
from services.shared.eventstore.work import Reply, UseCase, Work


def request_consultation(
    kinds: Aggregates,
    directory: KnownDirectory,
    policy: ConsultationPolicy,
    command: RequestConsultation,
    name: str,
) -> UseCase[Consultation]:
    """Answers with the new consultation."""

    async def use_case(work: Work) -> Reply[Consultation]:
        known = directory.current()
        # Before the version that the caller expects: that is for who may ask at all.
        consultations.ensure_requester_known(work.context.actor, known)
        state = await work.load_target(kinds.consultation, name)
        centre = known.facility(command.centre_facility)
        capabilities = frozenset(() if centre is None else centre.capabilities)
        events = consultations.decide(
            state,
            command,
            work.context,
            policy=policy,
            directory=known,
            centre_capabilities=capabilities,
        )
        episode = await open_or_load_episode(
            work,
            kinds,
            known,
            episode=command.episode,
            patient=command.patient,
            pathway=command.pathway,
        )
        membership = JoinEpisode(
            member=name,
            patient=command.patient,
            facilities=(work.context.actor.facility, command.centre_facility),
            sending_facility="",
        )
        await join_episode(work, kinds, episode, membership, known)
        await work.record(kinds.consultation, name, events)
        return work.reply(kinds.consultation, name)

    return use_case
