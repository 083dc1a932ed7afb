"""Makes the directory what an operator says, and publishes what changed."""

from collections.abc import Callable

from services.referral.application.aggregates import Aggregates
from services.referral.application.known_directory import KnownDirectory
from services.referral.domain import directory as directories
from services.referral.domain.directory import ApplyDirectory, DirectoryApplied
from services.referral.domain.directory_state import DIRECTORY_NAME, Directory
from services.shared.eventstore.units import OutboxMessage
from services.shared.eventstore.work import Reply, UseCase, Work
from services.shared.kernel.command import CommandContext

#: What the topic carries for an event: facilities and communities by id, each with the directory's version.
Publication = Callable[[DirectoryApplied, Directory, CommandContext], tuple[OutboxMessage, ...]]


def apply_directory(
    kinds: Aggregates, known: KnownDirectory, publication: Publication, command: ApplyDirectory
) -> UseCase[Directory]:
    """Answers with the directory in force."""

    async def use_case(work: Work) -> Reply[Directory]:
        state = await work.load_target(kinds.directory, DIRECTORY_NAME)
        events = directories.decide(state, command, work.context)
        if not events:
            return work.reply(kinds.directory, DIRECTORY_NAME)
        after = await work.record(kinds.directory, DIRECTORY_NAME, events)
        for event in events:
            for message in publication(event, after, work.context):
                work.publish(message)
        return work.reply(kinds.directory, DIRECTORY_NAME)

    return use_case
