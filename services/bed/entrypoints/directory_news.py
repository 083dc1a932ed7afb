"""Facilities, as the directory's topic tells them: a compacted topic, where the last word on a key is all."""

from services.bed.domain.search import Facility
from services.shared.commands.system_context import reaction_context
from services.shared.copies.document_copies import DocumentCopies
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.work import Work
from services.shared.inbox.handling import IGNORED, Answer
from services.shared.kafka.cloud_events import ConsumedEvent
from services.shared.kernel.actor import system_actor
from services.shared.kernel.text import BilingualText
from tierlink.referral.v1 import directory_pb2

DIRECTORY_TOPIC = "tierlink.directory.v1"

_ACTOR = system_actor("bed")
_FACILITY = "Facility"


class DirectoryConsumer:
    """Keeps a copy of what is searched for."""

    def __init__(self, runner: CommandRunner, facilities: DocumentCopies[Facility]) -> None:
        self._runner = runner
        self._facilities = facilities

    async def handle(self, record: ConsumedEvent) -> Answer:
        """Raises DecodeError for what is no facility, DependencyDown to be asked again."""
        if record.type != _FACILITY:
            return IGNORED
        facility = None if not record.value else _facility(record.value)

        async def copy(work: Work) -> None:
            if facility is None:
                self._facilities.remove(work, record.key, record.version)
            else:
                self._facilities.keep(work, record.key, facility, record.version)

        status = await self._runner.react(
            copy, reaction_context(record, record.recorded_at, _ACTOR), target=record.key, inbox=None
        )
        await self._facilities.refresh()
        return status


def _facility(value: bytes) -> Facility:
    """Only what a search asks for: what else a facility may have is none of this service's."""
    message = directory_pb2.Facility.FromString(value)
    return Facility(
        id=message.id,
        name=BilingualText(zh=message.name.zh, en=message.name.en),
        capabilities=tuple(message.capabilities),
        travel_minutes=dict(message.travel_minutes),
    )
