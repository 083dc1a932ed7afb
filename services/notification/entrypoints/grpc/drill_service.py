"""DrillService: silent test alerts, and how they are answered."""

from datetime import timedelta
from typing import Any

from services.notification.application.aggregates import Aggregates
from services.notification.application.drill_desk import DrillDesk
from services.notification.application.drill_reading import DrillReading
from services.notification.domain.drill import Drill, StartDrill, summaries
from services.notification.entrypoints.grpc.resources import drill_resource, drill_summary_resource
from services.shared.commands.command_method import command_context, request_digest
from services.shared.eventstore.runner import CommandRunner
from services.shared.kernel.ids import resource_name
from services.shared.kernel.refusals import FieldViolation, InvalidInput
from services.shared.protocodec import MessageCodec
from services.shared.protocodec.shapes import timestamp_to_datetime
from services.shared.rpc.call import Call
from services.shared.rpc.method import UnaryMethod
from services.shared.rpc.paging import page_size, page_token, position_number
from tierlink.notification.v1 import drill_pb2
from tierlink.notification.v1 import drill_service_pb2 as pb

SERVICE = "tierlink.notification.v1.DrillService"

_PERIOD_MAX = timedelta(days=400)

_START: MessageCodec[StartDrill, pb.StartDrillRequest] = MessageCodec(StartDrill, pb.StartDrillRequest)


class DrillServicer:
    """The RPCs of drills."""

    def __init__(
        self, kinds: Aggregates, runner: CommandRunner, *, desk: DrillDesk, reading: DrillReading
    ) -> None:
        self._kinds = kinds
        self._runner = runner
        self._desk = desk
        self._reading = reading

    def methods(self) -> tuple[UnaryMethod[Any, Any], ...]:
        return (
            UnaryMethod(
                name="StartDrill",
                request_type=pb.StartDrillRequest,
                response_type=pb.StartDrillResponse,
                handler=self.start_drill,
            ),
            UnaryMethod(
                name="ListDrills",
                request_type=pb.ListDrillsRequest,
                response_type=pb.ListDrillsResponse,
                handler=self.list_drills,
            ),
            UnaryMethod(
                name="GetDrillReport",
                request_type=pb.GetDrillReportRequest,
                response_type=pb.GetDrillReportResponse,
                handler=self.get_drill_report,
            ),
        )

    async def start_drill(self, request: pb.StartDrillRequest, call: Call) -> pb.StartDrillResponse:
        """Raises NotPermitted, InvalidInput for a centre that the facility has not."""
        context = command_context(request, call)
        command = self._desk.target(_START.from_message(request), call.actor)
        name = resource_name("drills", context.request_id)
        reply = await self._runner.run(
            self._desk.start(command, name),
            context,
            kind=self._kinds.drill,
            target=name,
            digest=request_digest(request, call),
        )
        return pb.StartDrillResponse(drill=drill_resource(reply.state))

    async def list_drills(self, request: pb.ListDrillsRequest, call: Call) -> pb.ListDrillsResponse:
        states = [drill_pb2.DrillState.Name(state) for state in request.states]
        page = await self._reading.page(
            self._desk.seen(call.actor, request.facility),
            states=tuple(state.removeprefix("DRILL_STATE_") for state in states),
            after=position_number(request.page_token),
            limit=page_size(request.page_size),
        )
        return pb.ListDrillsResponse(
            drills=[drill_resource(drill) for drill in page.drills],
            next_page_token=page_token(page.next_after),
        )

    async def get_drill_report(
        self, request: pb.GetDrillReportRequest, call: Call
    ) -> pb.GetDrillReportResponse:
        """Raises InvalidInput for a period that is none, or too long."""
        begin = timestamp_to_datetime(request.started_from)
        end = timestamp_to_datetime(request.started_before)
        if not begin < end <= begin + _PERIOD_MAX:
            raise InvalidInput(
                FieldViolation(
                    field="started_before",
                    reason="NO_PERIOD",
                    description="is not after started_from, or more than 400 days later",
                )
            )
        drills: list[Drill] = await self._reading.started_between(
            self._desk.seen(call.actor, request.facility), begin, end
        )
        return pb.GetDrillReportResponse(
            centres=[drill_summary_resource(each) for each in summaries(drills)],
            drills=[drill_resource(drill) for drill in drills],
        )
