"""Events of referrals, consultations, wards and the directory, as they come from Kafka."""

from services.notification.application.copies import KnownDirectory
from services.notification.application.copy_directory import Gone, copy_directory
from services.notification.application.react_to_occurrence import AlertDesk
from services.notification.domain.directory import Community, Facility
from services.notification.entrypoints.occurrences import read_occurrence
from services.shared.commands.system_context import reaction_context
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.units import InboxMark
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

_ENTRY_TYPES: dict[str, type[Facility] | type[Community]] = {"Facility": Facility, "Community": Community}


class OccurrenceConsumer:
    """Has alerts follow what happens elsewhere."""

    def __init__(self, runner: CommandRunner, desk: AlertDesk, directory: KnownDirectory) -> None:
        self._runner = runner
        self._desk = desk
        self._directory = directory

    async def handle(self, record: ConsumedEvent) -> Answer:
        """Raises DecodeError or ValueError for what is no event, DependencyDown to be asked again."""
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
        status = await self._runner.react(
            copy_directory(self._directory, _entry(record), record.version),
            reaction_context(record, record.recorded_at, _ACTOR),
            target=record.key,
            inbox=None,
        )
        await self._directory.refresh()
        return status


def _entry(record: ConsumedEvent) -> Facility | Community | Gone:
    """What the record tells. An empty one says that the facility or community is gone."""
    entry_type = _ENTRY_TYPES.get(record.type)
    if entry_type is None:
        raise ValueError(f"{record.type} is no part of a directory")
    if not record.value:
        return Gone(entry_type=entry_type, key=record.key)
    if entry_type is Facility:
        return _FACILITY.from_message(directory_pb2.Facility.FromString(record.value))
    return _COMMUNITY.from_message(directory_pb2.Community.FromString(record.value))
