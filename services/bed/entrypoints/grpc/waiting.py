"""BedService: the waiting lists."""

from datetime import timedelta
from typing import Any

from services.bed.application.aggregates import Aggregates
from services.bed.application.wait_for_bed import WaitingLists, by_type
from services.bed.domain.bed_desk import BedDesk, stream_id
from services.bed.domain.desk_commands import JoinWaitingList, LeaveWaitingList
from services.bed.domain.holds import ensure_within
from services.bed.entrypoints.grpc.resources import bed_type_of, waiting_resource
from services.shared.commands.command_method import command_context, request_digest
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.work import Reply, UseCase
from services.shared.kernel.refusals import FieldViolation, InvalidInput, NotFound
from services.shared.protocodec import MessageCodec
from services.shared.rpc.call import Call
from services.shared.rpc.method import UnaryMethod
from tierlink.bed.v1 import bed_service_pb2 as pb

_JOIN: MessageCodec[JoinWaitingList, pb.JoinWaitingListRequest] = MessageCodec(
    JoinWaitingList, pb.JoinWaitingListRequest
)
_LEAVE: MessageCodec[LeaveWaitingList, pb.LeaveWaitingListRequest] = MessageCodec(
    LeaveWaitingList, pb.LeaveWaitingListRequest
)


class WaitingServicer:
    """JoinWaitingList, LeaveWaitingList, ListWaiting."""

    def __init__(
        self, *, kinds: Aggregates, runner: CommandRunner, lists: WaitingLists, hold_max: timedelta
    ) -> None:
        self._kinds = kinds
        self._runner = runner
        self._lists = lists
        self._hold_max = hold_max

    def methods(self) -> tuple[UnaryMethod[Any, Any], ...]:
        return (
            UnaryMethod(
                name="JoinWaitingList",
                request_type=pb.JoinWaitingListRequest,
                response_type=pb.JoinWaitingListResponse,
                handler=self.join,
            ),
            UnaryMethod(
                name="LeaveWaitingList",
                request_type=pb.LeaveWaitingListRequest,
                response_type=pb.LeaveWaitingListResponse,
                handler=self.leave,
            ),
            UnaryMethod(
                name="ListWaiting",
                request_type=pb.ListWaitingRequest,
                response_type=pb.ListWaitingResponse,
                handler=self.list_waiting,
            ),
        )

    async def join(self, request: pb.JoinWaitingListRequest, call: Call) -> pb.JoinWaitingListResponse:
        context = command_context(request, call)
        command = _JOIN.from_message(request)
        if command.hold_until is not None and command.hold_until <= context.recorded_at:
            raise InvalidInput(
                FieldViolation(
                    field="hold_until", reason="NOT_IN_FUTURE", description="must be after the present time"
                )
            )
        ensure_within(command.hold_until, context, self._hold_max, field="hold_until")
        reply = await self._run(self._lists.join(command), request, call)
        same_type = by_type(reply.state, command.bed_type)
        for position, entry in enumerate(same_type, start=1):
            if entry.referral == command.referral:
                return pb.JoinWaitingListResponse(entry=waiting_resource(entry), position=position)
        raise NotFound("WaitingEntry", command.referral)

    async def leave(self, request: pb.LeaveWaitingListRequest, call: Call) -> pb.LeaveWaitingListResponse:
        reply = await self._run(self._lists.leave(_LEAVE.from_message(request)), request, call)
        return pb.LeaveWaitingListResponse(
            entries=[waiting_resource(entry) for entry in by_type(reply.state)]
        )

    async def _run(self, use_case: UseCase[BedDesk], request: Any, call: Call) -> Reply[BedDesk]:
        return await self._runner.run(
            use_case,
            command_context(request, call),
            kind=self._kinds.desk,
            target=stream_id(request.facility),
            digest=request_digest(request, call),
        )

    async def list_waiting(self, request: pb.ListWaitingRequest, call: Call) -> pb.ListWaitingResponse:
        entries = await self._lists.entries(request.facility, bed_type_of(request.bed_type), call.actor)
        return pb.ListWaitingResponse(entries=[waiting_resource(entry) for entry in entries])
