"""Facilities and communities as records of the compacted topic `tierlink.directory.v1`, keyed by id."""

from services.referral.adapters.aggregate_codecs import DIRECTORY_TOPIC
from services.referral.domain.directory import DirectoryApplied
from services.referral.domain.directory_state import Community, Directory, Facility
from services.shared.eventstore.units import OutboxMessage
from services.shared.kernel.command import CommandContext
from services.shared.kernel.ids import derive_id
from services.shared.protocodec import MessageCodec
from tierlink.referral.v1 import directory_pb2

_FACILITY: MessageCodec[Facility, directory_pb2.Facility] = MessageCodec(Facility, directory_pb2.Facility)
_COMMUNITY: MessageCodec[Community, directory_pb2.Community] = MessageCodec(
    Community, directory_pb2.Community
)


def publication(
    event: DirectoryApplied, after: Directory, context: CommandContext
) -> tuple[OutboxMessage, ...]:
    """One record for each facility and community that changed; an empty one for each that is gone."""

    def message(kind: str, key: str, value: bytes) -> OutboxMessage:
        return OutboxMessage(
            topic=DIRECTORY_TOPIC,
            key=key,
            value=value,
            event_id=derive_id("directory", key, str(after.version)),
            type=kind,
            recorded_at=context.recorded_at,
            traceparent=context.traceparent,
            version=after.version,
        )

    return (
        *(
            message("Community", c.id, _COMMUNITY.to_message(c).SerializeToString())
            for c in event.communities
        ),
        *(message("Facility", f.id, _FACILITY.to_message(f).SerializeToString()) for f in event.facilities),
        *(message("Community", key, b"") for key in event.removed_communities),
        *(message("Facility", key, b"") for key in event.removed_facilities),
    )
