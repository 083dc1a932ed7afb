"""Every command that names its ward, or a hold in it."""

from services.bed.application.aggregates import Aggregates
from services.bed.domain import ward as wards
from services.bed.domain.commands import Command
from services.bed.domain.state import Ward
from services.shared.eventstore.work import Reply, UseCase, Work
from services.shared.kernel.refusals import NotFound


def change_ward(kinds: Aggregates, command: Command, name: str) -> UseCase[Ward]:
    """Answers with the ward after the command."""

    async def use_case(work: Work) -> Reply[Ward]:
        state = await work.load_target(kinds.ward, name)
        events = wards.decide(state, command, work.context)
        if state is None:
            raise NotFound("Ward", name)
        if events:
            await work.record(kinds.ward, name, events)
        return work.reply(kinds.ward, name)

    return use_case
