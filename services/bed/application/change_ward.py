"""Every command that names its ward, or a hold in it."""

from services.bed.application.aggregates import Aggregates
from services.bed.application.ward_recording import WardRecorder
from services.bed.domain import ward as wards
from services.bed.domain.commands import Command, TransferBed
from services.bed.domain.state import Ward, stream_id
from services.shared.eventstore.work import Reply, UseCase, Work
from services.shared.kernel.refusals import NotFound


def change_ward(kinds: Aggregates, command: Command, name: str) -> UseCase[Ward]:
    """Answers with the ward after the command."""
    recorder = WardRecorder(kinds)

    async def use_case(work: Work) -> Reply[Ward]:
        state = await work.load_target(kinds.ward, name)
        if isinstance(command, TransferBed) and stream_id(command.to_ward or command.ward) != name:
            await transfer_between(work, kinds, command, name)
        elif await recorder.decide(work, state, command, name) is None:
            raise NotFound("Ward", name)
        return work.reply(kinds.ward, name)

    return use_case


async def transfer_between(work: Work, kinds: Aggregates, command: TransferBed, name: str) -> None:
    """Both wards change in one unit: the database sees the claims pass, and no moment between. No bed is free
    after it that was not before."""
    target_name = stream_id(command.to_ward)
    source = await work.load(kinds.ward, name)
    target = await work.load(kinds.ward, target_name)
    left, come = wards.transfer(source, target, command, work.context)
    await work.record(kinds.ward, name, left)
    await work.record(kinds.ward, target_name, come)
