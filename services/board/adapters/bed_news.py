"""That something changed in a facility's wards, by the stream of what is free. Implements `BedNews`."""

from collections.abc import AsyncGenerator
from typing import Any

import grpc

from services.board.adapters.calling import metadata_of
from services.board.application.platform import Heard
from services.board.application.watching import StreamBroken, StreamRefused
from services.shared.rpc.channels import Channels
from tierlink.bed.v1 import bed_service_pb2, bed_service_pb2_grpc
from tierlink.type.v1 import type_pb2

#: What another try cannot mend.
_FINAL = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.UNIMPLEMENTED,
    }
)


class GrpcBedNews:
    """Watches availability on behalf of people."""

    def __init__(self, channels: Channels) -> None:
        self._beds: Any = bed_service_pb2_grpc.BedServiceStub(channels.of("bed"))

    async def watch(self, token: str, facility: str, resume_token: str) -> AsyncGenerator[Heard, None]:
        """Each message names the kind of bed whose counts changed. Raises StreamBroken, StreamRefused."""
        request = bed_service_pb2.WatchAvailabilityRequest(
            resume_token=resume_token, facilities=[facility] if facility else []
        )
        call = self._beds.WatchAvailability(request, metadata=metadata_of(token))
        try:
            async for message in call:
                yield _heard(message)
        except grpc.aio.AioRpcError as error:
            if error.code() in _FINAL:
                raise StreamRefused(token_is_bad=error.code() is grpc.StatusCode.INVALID_ARGUMENT) from error
            raise StreamBroken from error
        finally:
            # Whoever stops reading also ends the stream at the service.
            call.cancel()


def _heard(message: Any) -> Heard:
    resource = None
    if message.HasField("availability"):
        found = message.availability
        bed_type = type_pb2.BedType.Name(found.bed_type)
        # Of one kind the latest word is the picture.
        resource = {
            "name": f"{found.facility}/{bed_type}",
            "facility": found.facility,
            "bed_type": bed_type,
        }
    return Heard(resource=resource, event_type="AvailabilityChanged", resume_token=message.resume_token)
