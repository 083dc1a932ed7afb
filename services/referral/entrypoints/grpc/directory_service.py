"""DirectoryService."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from services.referral.application.aggregates import Aggregates
from services.referral.application.apply_directory import Publication, apply_directory
from services.referral.application.known_directory import KnownDirectory
from services.referral.domain import directory as directories
from services.referral.domain.directory import ApplyDirectory
from services.referral.domain.directory_difference import (
    NO_DIFFERENCE,
    DirectoryChange,
    DirectoryDifference,
)
from services.referral.domain.directory_state import DIRECTORY_NAME, Directory
from services.referral.entrypoints.grpc.directory_references import reference_faults
from services.referral.entrypoints.grpc.resources import (
    ALLIANCE,
    COMMUNITY,
    FACILITY,
    GREEN_CHANNEL,
    POOLING_AREA,
    RECOGNITION_AREA,
)
from services.shared.commands.command_method import command_context, request_digest
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.work import Reply
from services.shared.kernel.command import CommandContext
from services.shared.kernel.refusals import NotFound
from services.shared.protocodec import MessageCodec
from services.shared.rpc.call import Call
from services.shared.rpc.method import UnaryMethod
from services.shared.rpc.paging import page_size, page_token, position_text
from tierlink.referral.v1 import directory_service_pb2 as pb

T = TypeVar("T")

SERVICE = "tierlink.referral.v1.DirectoryService"

_APPLY: MessageCodec[ApplyDirectory, pb.ApplyDirectoryRequest] = MessageCodec(
    ApplyDirectory, pb.ApplyDirectoryRequest
)
_CHANGE: MessageCodec[DirectoryChange, pb.DirectoryChange] = MessageCodec(DirectoryChange, pb.DirectoryChange)


class DirectoryServicer:
    """The RPCs of the directory. Everybody with a token may read it."""

    def __init__(
        self,
        kinds: Aggregates,
        runner: CommandRunner,
        known: KnownDirectory,
        publication: Publication,
    ) -> None:
        self._kinds = kinds
        self._runner = runner
        self._known = known
        self._publication = publication

    def methods(self) -> tuple[UnaryMethod[Any, Any], ...]:
        return (
            replace(_method("ApplyDirectory", self.apply_directory), further_faults=reference_faults),
            _method("GetFacility", self.get_facility),
            _method("ListFacilities", self.list_facilities),
            _method("ListCommunities", self.list_communities),
            _method("ListAlliances", self.list_alliances),
            _method("ListPoolingAreas", self.list_pooling_areas),
            _method("ListRecognitionAreas", self.list_recognition_areas),
            _method("ListGreenChannels", self.list_green_channels),
        )

    async def apply_directory(
        self, request: pb.ApplyDirectoryRequest, call: Call
    ) -> pb.ApplyDirectoryResponse:
        context = command_context(request, call)
        command = _APPLY.from_message(request)
        if command.dry_run:
            return await self._dry_run(command, context)
        reply = await self._runner.run(
            apply_directory(self._kinds, self._known, self._publication, command),
            context,
            kind=self._kinds.directory,
            target=DIRECTORY_NAME,
            digest=request_digest(request, call),
        )
        self._known.replace(reply.state)
        return _response(reply.version, await self._difference(reply, command, context))

    async def _dry_run(self, command: ApplyDirectory, context: CommandContext) -> pb.ApplyDirectoryResponse:
        loaded = await self._runner.read(self._kinds.directory, DIRECTORY_NAME)
        directories.decide(loaded.state, command, context)
        return _response(loaded.version, directories.difference(loaded.state, command))

    async def _difference(
        self, reply: Reply[Directory], command: ApplyDirectory, context: CommandContext
    ) -> DirectoryDifference:
        """What this request changed, also when it is asked again: from the event that it left."""
        event = await self._runner.event_at(self._kinds.directory, DIRECTORY_NAME, reply.version)
        if event.metadata.request_id != context.request_id:
            return NO_DIFFERENCE
        before: Directory | None = None
        if reply.version > 1:
            before = await self._runner.state_at(self._kinds.directory, DIRECTORY_NAME, reply.version - 1)
        return directories.difference(before, command)

    async def get_facility(self, request: pb.GetFacilityRequest, call: Call) -> pb.GetFacilityResponse:
        facility = self._known.current().facility(request.id)
        if facility is None:
            raise NotFound("facility", request.id)
        return pb.GetFacilityResponse(facility=FACILITY.to_message(facility))

    async def list_facilities(
        self, request: pb.ListFacilitiesRequest, call: Call
    ) -> pb.ListFacilitiesResponse:
        after = position_text(request.page_token) or ""
        found = [
            facility
            for facility in self._known.current().facilities.values()
            if facility.id > after
            and (not request.community or facility.community == request.community)
            and (not request.capability or request.capability in facility.capabilities)
        ]
        page, token = _page(found, request.page_size)
        return pb.ListFacilitiesResponse(
            facilities=[FACILITY.to_message(facility) for facility in page], next_page_token=token
        )

    async def list_communities(
        self, request: pb.ListCommunitiesRequest, call: Call
    ) -> pb.ListCommunitiesResponse:
        page, token = _page_of(self._known.current().communities, request)
        return pb.ListCommunitiesResponse(
            communities=[COMMUNITY.to_message(each) for each in page], next_page_token=token
        )

    async def list_alliances(self, request: pb.ListAlliancesRequest, call: Call) -> pb.ListAlliancesResponse:
        page, token = _page_of(self._known.current().alliances, request)
        return pb.ListAlliancesResponse(
            alliances=[ALLIANCE.to_message(each) for each in page], next_page_token=token
        )

    async def list_pooling_areas(
        self, request: pb.ListPoolingAreasRequest, call: Call
    ) -> pb.ListPoolingAreasResponse:
        page, token = _page_of(self._known.current().pooling_areas, request)
        return pb.ListPoolingAreasResponse(
            pooling_areas=[POOLING_AREA.to_message(each) for each in page], next_page_token=token
        )

    async def list_recognition_areas(
        self, request: pb.ListRecognitionAreasRequest, call: Call
    ) -> pb.ListRecognitionAreasResponse:
        page, token = _page_of(self._known.current().recognition_areas, request)
        return pb.ListRecognitionAreasResponse(
            recognition_areas=[RECOGNITION_AREA.to_message(each) for each in page], next_page_token=token
        )

    async def list_green_channels(
        self, request: pb.ListGreenChannelsRequest, call: Call
    ) -> pb.ListGreenChannelsResponse:
        page, token = _page_of(self._known.current().green_channels, request)
        return pb.ListGreenChannelsResponse(
            green_channels=[GREEN_CHANNEL.to_message(each) for each in page], next_page_token=token
        )


class _Paged(Protocol):
    """A request for a page."""

    @property
    def page_size(self) -> int: ...

    @property
    def page_token(self) -> str: ...


def _page_of(entries: Mapping[str, T], request: _Paged) -> tuple[list[T], str]:
    """The page that is asked for, of entries by id."""
    after = position_text(request.page_token) or ""
    return _page([each for key, each in entries.items() if key > after], request.page_size)


def _page(found: list[Any], asked: int) -> tuple[list[Any], str]:
    """By id, which is how the directory keeps them."""
    size = page_size(asked)
    page = found[:size]
    return page, page_token(page[-1].id if len(found) > size else None)


def _response(version: int, difference: DirectoryDifference) -> pb.ApplyDirectoryResponse:
    return pb.ApplyDirectoryResponse(
        version=version,
        added=difference.added,
        changed=difference.changed,
        removed=difference.removed,
        changes=[_CHANGE.to_message(each) for each in difference.changes],
    )


def _method(name: str, handler: Callable[[Any, Call], Any]) -> UnaryMethod[Any, Any]:
    return UnaryMethod(
        name=name,
        request_type=getattr(pb, f"{name}Request"),
        response_type=getattr(pb, f"{name}Response"),
        handler=handler,
    )
