"""BedService: what is free where, now and as it changes."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

from services.bed.application.reading import WardReading
from services.bed.application.watch_availability import AvailabilityWatch, Wish
from services.bed.entrypoints.grpc.resources import availability_resource, bed_type_of
from services.shared.rpc.call import Call
from services.shared.rpc.method import StreamMethod, UnaryMethod
from tierlink.bed.v1 import bed_service_pb2 as pb


class AvailabilityServicer:
    """GetAvailability, WatchAvailability."""

    def __init__(self, reading: WardReading, watching: AvailabilityWatch) -> None:
        self._reading = reading
        self._watching = watching

    def methods(self) -> tuple[UnaryMethod[Any, Any] | StreamMethod[Any, Any], ...]:
        return (
            UnaryMethod(
                name="GetAvailability",
                request_type=pb.GetAvailabilityRequest,
                response_type=pb.GetAvailabilityResponse,
                handler=self.get_availability,
            ),
            StreamMethod(
                name="WatchAvailability",
                request_type=pb.WatchAvailabilityRequest,
                response_type=pb.WatchAvailabilityResponse,
                handler=self.watch_availability,
            ),
        )

    async def get_availability(
        self, request: pb.GetAvailabilityRequest, call: Call
    ) -> pb.GetAvailabilityResponse:
        found = await self._reading.availability(
            tuple(request.facilities), bed_type_of(request.bed_type), call.received_at
        )
        return pb.GetAvailabilityResponse(availabilities=[availability_resource(each) for each in found])

    async def watch_availability(
        self, request: pb.WatchAvailabilityRequest, _call: Call
    ) -> AsyncGenerator[pb.WatchAvailabilityResponse, None]:
        """Raises InvalidInput for a bad token, Overloaded, DependencyDown."""
        wish = Wish(facilities=frozenset(request.facilities), bed_type=bed_type_of(request.bed_type))
        changes = self._watching.watch(wish, request.resume_token, _now)
        async with aclosing(changes):
            async for change in changes:
                response = pb.WatchAvailabilityResponse(resume_token=change.resume_token)
                if change.found is not None:
                    response.availability.CopyFrom(availability_resource(change.found))
                yield response


def _now() -> datetime:
    return datetime.now(UTC)
