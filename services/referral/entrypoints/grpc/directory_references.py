"""What else is wrong in a directory whose fields break the contract: its references, told at once."""

from collections.abc import Iterator

from google.protobuf.message import Message

from services.referral.domain.directory import ApplyDirectory
from services.referral.domain.directory_faults import violations
from services.shared.kernel.refusals import FieldViolation
from services.shared.protocodec import MessageCodec
from tierlink.referral.v1 import directory_pb2
from tierlink.referral.v1 import directory_service_pb2 as pb
from tierlink.type.v1 import type_pb2

_APPLY: MessageCodec[ApplyDirectory, pb.ApplyDirectoryRequest] = MessageCodec(
    ApplyDirectory, pb.ApplyDirectoryRequest
)


def reference_faults(request: pb.ApplyDirectoryRequest) -> Iterator[FieldViolation]:
    """The faults that a directory would have if its fields were well formed."""
    completed = pb.ApplyDirectoryRequest()
    completed.CopyFrom(request)
    for entries in (
        completed.communities,
        completed.facilities,
        completed.alliances,
        completed.pooling_areas,
        completed.recognition_areas,
        completed.green_channels,
    ):
        for place, entry in enumerate(entries):
            _complete(entry, place)
    yield from violations(_APPLY.from_message(completed))


def _complete(entry: Message, place: int) -> None:
    """Gives what is missing or unknown a value that no other rule finds fault with: it is told already."""
    if "name" in entry.DESCRIPTOR.fields_by_name and not entry.HasField("name"):
        entry.name.SetInParent()  # type: ignore[attr-defined]
    if not isinstance(entry, directory_pb2.Facility):
        return
    if not entry.level or entry.level not in type_pb2.FacilityLevel.values():
        entry.level = type_pb2.FACILITY_LEVEL_VILLAGE
    for index, identifier in enumerate(entry.identifiers):
        if not identifier.scheme or identifier.scheme not in directory_pb2.IdentifierScheme.values():
            # Of a form that fits, and of nobody else.
            identifier.scheme = directory_pb2.IDENTIFIER_SCHEME_LICENCE
            identifier.value = f"{place:011d}{index:011d}"
