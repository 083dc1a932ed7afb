"""The RPCs of contact points; part of `RosterService`."""

from dataclasses import replace
from typing import Any

from services.notification.application.contact_points import ContactDesk
from services.notification.domain.contact_points import SetContactPoints
from services.notification.domain.contact_values import ContactPoint
from services.shared.commands.command_method import command_context, request_digest
from services.shared.protocodec import MessageCodec
from services.shared.protocodec.shapes import datetime_to_timestamp
from services.shared.rpc.call import Call
from services.shared.rpc.method import UnaryMethod
from tierlink.notification.v1 import contact_points_pb2
from tierlink.notification.v1 import roster_service_pb2 as pb

_SET: MessageCodec[SetContactPoints, pb.SetContactPointsRequest] = MessageCodec(
    SetContactPoints, pb.SetContactPointsRequest
)
_POINT: MessageCodec[ContactPoint, contact_points_pb2.ContactPoint] = MessageCodec(
    ContactPoint, contact_points_pb2.ContactPoint
)


class ContactServicer:
    """Sets and reads contact points."""

    def __init__(self, desk: ContactDesk) -> None:
        self._desk = desk

    def methods(self) -> tuple[UnaryMethod[Any, Any], ...]:
        return (
            UnaryMethod(
                name="SetContactPoints",
                request_type=pb.SetContactPointsRequest,
                response_type=pb.SetContactPointsResponse,
                handler=self.set_contact_points,
            ),
            UnaryMethod(
                name="GetContactPoints",
                request_type=pb.GetContactPointsRequest,
                response_type=pb.GetContactPointsResponse,
                handler=self.get_contact_points,
            ),
        )

    async def set_contact_points(
        self, request: pb.SetContactPointsRequest, call: Call
    ) -> pb.SetContactPointsResponse:
        reply = await self._desk.set(
            _SET.from_message(request), command_context(request, call), request_digest(request, call)
        )
        response = pb.SetContactPointsResponse(name=reply.stream_id, version=reply.version)
        datetime_to_timestamp(reply.state.changed_at, response.changed_at)
        return response

    async def get_contact_points(
        self, request: pb.GetContactPointsRequest, call: Call
    ) -> pb.GetContactPointsResponse:
        """The secrets are not among what is answered."""
        book, points = await self._desk.read(request.user or call.actor.user, call.actor, call.received_at)
        if book is None:
            return pb.GetContactPointsResponse()
        response = pb.GetContactPointsResponse(
            points=[_POINT.to_message(replace(point, secret="")) for point in points],
            version=book.version,
            facility=book.facility,
            changed_by=book.changed_by,
        )
        datetime_to_timestamp(book.changed_at, response.changed_at)
        return response
