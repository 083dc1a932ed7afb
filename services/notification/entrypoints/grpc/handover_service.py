"""The RPC of hand-overs; part of `RosterService`."""

from typing import Any

from services.notification.application.hand_over import HandoverReading
from services.notification.domain.caseload import CASE_INTERNAL_FIELDS, CaseUnderWay, is_overdue
from services.notification.entrypoints.grpc.resources import alert_resource
from services.notification.entrypoints.grpc.roster_service import requested_moment, slot_resource
from services.shared.protocodec import MessageCodec
from services.shared.protocodec.shapes import datetime_to_timestamp
from services.shared.rpc.call import Call
from services.shared.rpc.method import UnaryMethod
from tierlink.notification.v1 import handover_pb2
from tierlink.notification.v1 import roster_service_pb2 as pb

_CASE: MessageCodec[CaseUnderWay, handover_pb2.CaseUnderWay] = MessageCodec(
    CaseUnderWay, handover_pb2.CaseUnderWay, internal=CASE_INTERNAL_FIELDS
)


class HandoverServicer:
    """Answers what is handed over."""

    def __init__(self, reading: HandoverReading) -> None:
        self._reading = reading

    def methods(self) -> tuple[UnaryMethod[Any, Any], ...]:
        return (
            UnaryMethod(
                name="GetHandover",
                request_type=pb.GetHandoverRequest,
                response_type=pb.GetHandoverResponse,
                handler=self.get_handover,
            ),
        )

    async def get_handover(self, request: pb.GetHandoverRequest, call: Call) -> pb.GetHandoverResponse:
        at = requested_moment(request, "at") or call.received_at
        found = await self._reading.read(
            request.facility or call.actor.facility, call.actor, at, request.role
        )
        response = pb.GetHandoverResponse(
            goes_off=[slot_resource(slot) for slot in found.change.goes_off],
            comes_on=[slot_resource(slot) for slot in found.change.comes_on],
            stays=[slot_resource(slot) for slot in found.change.stays],
            open_alerts=[alert_resource(alert) for alert in found.alerts],
        )
        for case in found.cases:
            message = response.cases.add()
            message.CopyFrom(_CASE.to_message(case))
            message.is_overdue = is_overdue(case, at)
        response.text.zh, response.text.en = found.text.zh, found.text.en
        datetime_to_timestamp(found.change.at, response.handover_at)
        return response
