"""BedService: what is free where, now and as it changes."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from services.bed.application.reading import WardReading
from services.bed.application.search_beds import BedSearching
from services.bed.application.watch_availability import AvailabilityWatch, Wish
from services.bed.domain.search import BedSearch, FoundBeds
from services.bed.entrypoints.grpc.resources import availability_resource, bed_type_of
from services.shared.clocks.day_clock import DAY_CLOCK
from services.shared.kernel.refusals import FieldViolation, InvalidInput
from services.shared.protocodec import MessageCodec
from services.shared.rpc.call import Call
from services.shared.rpc.method import StreamMethod, UnaryMethod
from tierlink.bed.v1 import bed_service_pb2 as pb

_SEARCH: MessageCodec[BedSearch, pb.SearchBedsRequest] = MessageCodec(BedSearch, pb.SearchBedsRequest)
_FOUND: MessageCodec[FoundBeds, pb.FoundBeds] = MessageCodec(FoundBeds, pb.FoundBeds)


class AvailabilityServicer:
    """GetAvailability, SearchBeds, WatchAvailability."""

    def __init__(self, reading: WardReading, search: BedSearching, watching: AvailabilityWatch) -> None:
        self._reading = reading
        self._search = search
        self._watching = watching

    def methods(self) -> tuple[UnaryMethod[Any, Any] | StreamMethod[Any, Any], ...]:
        return (
            UnaryMethod(
                name="GetAvailability",
                request_type=pb.GetAvailabilityRequest,
                response_type=pb.GetAvailabilityResponse,
                handler=self.get_availability,
            ),
            UnaryMethod(
                name="SearchBeds",
                request_type=pb.SearchBedsRequest,
                response_type=pb.SearchBedsResponse,
                handler=self.search_beds,
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
        return pb.GetAvailabilityResponse(
            availabilities=[availability_resource(each) for each in found],
            stale_after_s=self._reading.stale_after_s,
        )

    async def search_beds(self, request: pb.SearchBedsRequest, call: Call) -> pb.SearchBedsResponse:
        """Raises InvalidInput without a place to start from."""
        origin = request.origin or call.actor.facility
        if not origin:
            raise InvalidInput(
                FieldViolation(field="origin", reason="REQUIRED", description="is needed without a facility")
            )
        search = replace(_SEARCH.from_message(request), origin=origin)
        found = await self._search.search(search, call.received_at)
        return pb.SearchBedsResponse(found=[_FOUND.to_message(each) for each in found])

    async def watch_availability(
        self, request: pb.WatchAvailabilityRequest, _call: Call
    ) -> AsyncGenerator[pb.WatchAvailabilityResponse, None]:
        """Raises InvalidInput for a bad token, Overloaded, DependencyDown."""
        wish = Wish(facilities=frozenset(request.facilities), bed_type=bed_type_of(request.bed_type))
        changes = self._watching.watch(wish, request.resume_token, DAY_CLOCK.now)
        async with aclosing(changes):
            async for change in changes:
                response = pb.WatchAvailabilityResponse(resume_token=change.resume_token)
                if change.found is not None:
                    response.availability.CopyFrom(availability_resource(change.found))
                yield response
