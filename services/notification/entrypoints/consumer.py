"""Events of referrals, consultations, wards and the directory, as they come from Kafka."""

from collections.abc import Awaitable, Callable

from services.notification.adapters.stored_copies import (
    COMMUNITY,
    FACILITY,
    directory_document,
    removed_document,
)
from services.notification.application.react_to_occurrence import AlertDesk
from services.notification.domain.directory import Community, Facility
from services.notification.entrypoints.occurrences import read_occurrence
from services.shared.commands.system_context import reaction_context
from services.shared.eventstore.runner import CommandRunner, Work
from services.shared.eventstore.units import Document, InboxMark
from services.shared.inbox.handling import Answer
from services.shared.kafka.cloud_events import ConsumedEvent
from services.shared.kernel.actor import system_actor
from services.shared.protocodec import MessageCodec
from tierlink.referral.v1 import directory_pb2

DIRECTORY_TOPIC = "tierlink.directory.v1"

_ACTOR = system_actor("notification")
_FACILITY: MessageCodec[Facility, directory_pb2.Facility] = MessageCodec(Facility, directory_pb2.Facility)
_COMMUNITY: MessageCodec[Community, directory_pb2.Community] = MessageCodec(
    Community, directory_pb2.Community
)


class OccurrenceConsumer:
    """Has alerts follow what happens elsewhere."""

    def __init__(
        self, runner: CommandRunner, desk: AlertDesk, directory_changed: Callable[[], Awaitable[None]]
    ) -> None:
        self._runner = runner
        self._desk = desk
        self._directory_changed = directory_changed

    async def handle(self, record: ConsumedEvent) -> Answer:
        """Raises DecodeError or ValueError for a record that is no event, DependencyDown to be asked again."""
        if record.topic == DIRECTORY_TOPIC:
            return await self._copy_directory(record)
        occurrence = read_occurrence(record.topic, record.value)
        return await self._runner.react(
            self._desk.react(occurrence),
            reaction_context(record, occurrence.occurred_at, _ACTOR),
            target=occurrence.aggregate_id,
            inbox=InboxMark(source=record.topic, aggregate_id=record.key, version=record.version),
        )

    async def _copy_directory(self, record: ConsumedEvent) -> Answer:
        """A compacted topic: the last record of a key is all that counts, whatever came before."""
        document = _directory_document(record)

        async def reaction(work: Work) -> None:
            work.put(document)

        context = reaction_context(record, record.recorded_at, _ACTOR)
        status = await self._runner.react(reaction, context, target=record.key, inbox=None)
        await self._directory_changed()
        return status


def _directory_document(record: ConsumedEvent) -> Document:
    kinds = {"Facility": FACILITY, "Community": COMMUNITY}
    if record.type not in kinds:
        raise ValueError(f"{record.type} is no part of a directory")
    if not record.value:
        return removed_document(kinds[record.type], record.key, record.version)
    if record.type == "Facility":
        facility = _FACILITY.from_message(directory_pb2.Facility.FromString(record.value))
        return directory_document(facility, record.version)
    community = _COMMUNITY.from_message(directory_pb2.Community.FromString(record.value))
    return directory_document(community, record.version)
