"""Every command of a consultation that exists."""

from services.referral.application.aggregates import Aggregates
from services.referral.application.known_directory import KnownDirectory
from services.referral.domain import consultation as consultations
from services.referral.domain.consultation_commands import ConsultationCommand, MeetDeadline
from services.referral.domain.consultation_policy import ConsultationPolicy
from services.referral.domain.consultation_state import Consultation
from services.shared.eventstore.work import Reaction, Reply, UseCase, Work
from services.shared.kernel.refusals import NotFound


def change_consultation(
    kinds: Aggregates,
    directory: KnownDirectory,
    policy: ConsultationPolicy,
    command: ConsultationCommand,
    name: str,
) -> UseCase[Consultation]:
    """Answers with the consultation after the command."""

    async def use_case(work: Work) -> Reply[Consultation]:
        state = await work.load_target(kinds.consultation, name)
        if state is None:
            raise NotFound(consultations.RESOURCE, name)
        events = consultations.decide(
            state, command, work.context, policy=policy, directory=directory.current()
        )
        if events:
            await work.record(kinds.consultation, name, events)
        return work.reply(kinds.consultation, name)

    return use_case


def follow_consultation(
    kinds: Aggregates,
    directory: KnownDirectory,
    policy: ConsultationPolicy,
    command: MeetDeadline,
    name: str,
) -> Reaction:
    """For a due deadline; nothing when it is not open any more."""

    async def reaction(work: Work) -> None:
        state: Consultation | None = await work.load(kinds.consultation, name)
        if state is None:
            return
        events = consultations.decide(
            state, command, work.context, policy=policy, directory=directory.current()
        )
        if events:
            await work.record(kinds.consultation, name, events)

    return reaction
