"""The services by gRPC. Implements `Platform`."""

from collections import OrderedDict
from collections.abc import AsyncGenerator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from services.board.adapters.bed_places import BedPlaces
from services.board.adapters.calling import answer_of, call_options, metadata_of
from services.board.adapters.episode_picture import budgets_of, medians_of
from services.board.application.platform import Doors, Heard, Resource
from services.board.application.watching import StreamBroken, StreamRefused
from services.board.domain.door_time import DoorMedian
from services.shared.rpc.channels import Channels
from tierlink.bed.v1 import bed_service_pb2, bed_service_pb2_grpc
from tierlink.notification.v1 import (
    alert_pb2,
    alert_service_pb2,
    alert_service_pb2_grpc,
    board_service_pb2,
    board_service_pb2_grpc,
)
from tierlink.referral.v1 import (
    directory_service_pb2,
    directory_service_pb2_grpc,
    episode_service_pb2,
    episode_service_pb2_grpc,
    referral_pb2,
    referral_service_pb2,
    referral_service_pb2_grpc,
)

#: A median is of the last three months: a site gets better, and a week has too few patients.
_DOOR_PERIOD = timedelta(days=90)
#: Wards of one facility shown; no hospital has more.
_WARDS_MAX = 500
#: Of a thousand each; a province has fewer facilities.
_FACILITY_PAGES_MAX = 20

#: States that a page no longer shows, by the field of the stream's messages.
_OVER = {
    "alert": frozenset({alert_pb2.ALERT_STATE_RESOLVED}),
    "referral": frozenset(
        {
            referral_pb2.REFERRAL_STATE_CLOSED,
            referral_pb2.REFERRAL_STATE_CANCELLED,
            referral_pb2.REFERRAL_STATE_EXPIRED,
            referral_pb2.REFERRAL_STATE_DECEASED,
            referral_pb2.REFERRAL_STATE_ENTERED_IN_ERROR,
        }
    ),
}
#: An address that is away, a service that drains: another try may succeed with the same resume token.
_PASSING = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.INTERNAL,
    }
)


class GrpcPlatform:
    """Calls the services on behalf of people."""

    def __init__(self, channels: Channels) -> None:
        # The stubs' classes are typed for both kinds of channel at once; this is the asynchronous one.
        self._alerts: Any = alert_service_pb2_grpc.AlertServiceStub(channels.of("notification"))
        self._boards: Any = board_service_pb2_grpc.BoardServiceStub(channels.of("notification"))
        self._referrals: Any = referral_service_pb2_grpc.ReferralServiceStub(channels.of("referral"))
        self._episodes: Any = episode_service_pb2_grpc.EpisodeServiceStub(channels.of("referral"))
        self._directory: Any = directory_service_pb2_grpc.DirectoryServiceStub(channels.of("referral"))
        self._beds: Any = bed_service_pb2_grpc.BedServiceStub(channels.of("bed"))
        self._places = BedPlaces(self._directory, self._beds)

    async def watch_alerts(self, token: str, resume_token: str) -> AsyncGenerator[Heard, None]:
        request = alert_service_pb2.WatchAlertsRequest(resume_token=resume_token)
        async for heard in _heard(self._alerts.WatchAlerts(request, metadata=metadata_of(token)), "alert"):
            yield heard

    async def watch_referrals(self, token: str, resume_token: str) -> AsyncGenerator[Heard, None]:
        request = referral_service_pb2.WatchReferralsRequest(resume_token=resume_token)
        call = self._referrals.WatchReferrals(request, metadata=metadata_of(token))
        async for heard in _heard(call, "referral"):
            yield heard

    async def acknowledge(self, token: str, name: str, request_id: str) -> Resource:
        request = alert_service_pb2.AcknowledgeAlertRequest(name=name, request_id=request_id)
        return _content(
            (await answer_of(self._alerts.AcknowledgeAlert(request, **call_options(token)))).alert
        )

    async def episode(self, token: str, name: str, *, doors: Doors) -> Resource:
        request = episode_service_pb2.GetEpisodeRequest(name=name)
        found = await answer_of(self._episodes.GetEpisode(request, **call_options(token)))
        return {**_content(found), "budgets": await budgets_of(found, doors=doors)}

    async def door_medians(self, token: str, facility: str) -> Mapping[str, DoorMedian]:
        now = datetime.now(UTC)
        request = episode_service_pb2.SummarizeClocksRequest(facility=facility)
        request.started_from.FromDatetime(now - _DOOR_PERIOD)
        request.started_before.FromDatetime(now)
        found = await answer_of(self._episodes.SummarizeClocks(request, **call_options(token)))
        return medians_of(found)

    async def report_board(self, token: str, centre: str) -> None:
        request = board_service_pb2.ReportBoardRequest(centre=centre)
        await answer_of(self._boards.ReportBoard(request, **call_options(token)))

    async def centres(self, token: str) -> list[Resource]:
        request = board_service_pb2.ListBoardsRequest()
        found = await answer_of(self._boards.ListBoards(request, **call_options(token)))
        return [_content(each) for each in found.centres]

    async def wards(self, token: str, facility: str) -> Resource:
        request = bed_service_pb2.ListBedsRequest(facility=facility, page_size=_WARDS_MAX)
        return _content(await answer_of(self._beds.ListBeds(request, **call_options(token))))

    async def bed_places(self, token: str, facility: str) -> Resource:
        return await self._places.around(token, facility)

    async def facility_names(self, token: str) -> dict[str, dict[str, str]]:
        names: dict[str, dict[str, str]] = {}
        page_token = ""
        for _ in range(_FACILITY_PAGES_MAX):
            request = directory_service_pb2.ListFacilitiesRequest(page_size=1000, page_token=page_token)
            reply = await answer_of(self._directory.ListFacilities(request, **call_options(token)))
            names.update({each.id: {"zh": each.name.zh, "en": each.name.en} for each in reply.facilities})
            page_token = reply.next_page_token
            if not page_token:
                break
        return names


def _content(message: Message) -> dict[str, Any]:
    content: dict[str, Any] = MessageToDict(message, preserving_proto_field_name=True)
    return content


class _Contents:
    """What many streams bring at the same time is taken apart once: that is much of a board's work."""

    def __init__(self, kept_max: int) -> None:
        self._kept: OrderedDict[tuple[str, bytes], dict[str, Any]] = OrderedDict()
        self._kept_max = kept_max

    def of(self, message: Message) -> dict[str, Any]:
        """To be read only: it is given to others as well."""
        key = (message.DESCRIPTOR.full_name, message.SerializeToString())
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = _content(message)
            while len(self._kept) > self._kept_max:
                self._kept.popitem(last=False)
        return found


_CONTENTS = _Contents(kept_max=200)


async def _heard(call: Any, field: str) -> AsyncGenerator[Heard, None]:
    """A stream's messages. Raises StreamBroken, StreamRefused."""
    try:
        async for message in call:
            resource = getattr(message, field) if message.HasField(field) else None
            yield Heard(
                resource=None if resource is None else _CONTENTS.of(resource),
                event_type=message.event_type,
                resume_token=message.resume_token,
                is_over=resource is not None and resource.state in _OVER[field],
            )
    except grpc.aio.AioRpcError as error:
        if error.code() in _PASSING:
            raise StreamBroken from error
        raise StreamRefused(token_is_bad=error.code() is grpc.StatusCode.INVALID_ARGUMENT) from error
    finally:
        # Whoever stops reading also ends the stream at the service.
        call.cancel()
