"""BoardService: signs of life of boards, and what they come to."""

from typing import Any

from services.notification.application.aggregates import Aggregates
from services.notification.application.board_desk import BoardDesk
from services.notification.application.presence import BoardPresence
from services.notification.domain import board_texts
from services.notification.domain.board import WithdrawBoard, board_name, may_report
from services.notification.domain.board_policy import BoardPolicy
from services.notification.entrypoints.grpc.resources import board_resource
from services.shared.commands.command_method import command_context, request_digest
from services.shared.eventstore.runner import CommandRunner
from services.shared.kernel.refusals import NotPermitted
from services.shared.protocodec import MessageCodec
from services.shared.rpc.call import Call
from services.shared.rpc.method import UnaryMethod
from tierlink.notification.v1 import board_service_pb2 as pb

SERVICE = "tierlink.notification.v1.BoardService"

_WITHDRAW: MessageCodec[WithdrawBoard, pb.WithdrawBoardRequest] = MessageCodec(
    WithdrawBoard, pb.WithdrawBoardRequest
)


class BoardServicer:
    """The RPCs of boards."""

    def __init__(
        self,
        kinds: Aggregates,
        runner: CommandRunner,
        *,
        policy: BoardPolicy,
        presence: BoardPresence,
        desk: BoardDesk,
    ) -> None:
        self._kinds = kinds
        self._runner = runner
        self._policy = policy
        self._presence = presence
        self._desk = desk

    def methods(self) -> tuple[UnaryMethod[Any, Any], ...]:
        return (
            UnaryMethod(
                name="ReportBoard",
                request_type=pb.ReportBoardRequest,
                response_type=pb.ReportBoardResponse,
                handler=self.report_board,
            ),
            UnaryMethod(
                name="ListBoards",
                request_type=pb.ListBoardsRequest,
                response_type=pb.ListBoardsResponse,
                handler=self.list_boards,
            ),
            UnaryMethod(
                name="WithdrawBoard",
                request_type=pb.WithdrawBoardRequest,
                response_type=pb.WithdrawBoardResponse,
                handler=self.withdraw_board,
            ),
        )

    async def report_board(self, _request: pb.ReportBoardRequest, call: Call) -> pb.ReportBoardResponse:
        """Raises NotPermitted for whoever's screen is no board of a facility's staff."""
        if not may_report(call.actor):
            raise NotPermitted("NOT_A_BOARD", board_texts.NOT_A_BOARD)
        await self._presence.note(call.actor.facility)
        return pb.ReportBoardResponse(live_s=self._policy.live_s)

    async def list_boards(self, _request: pb.ListBoardsRequest, call: Call) -> pb.ListBoardsResponse:
        await self._presence.refresh()
        response = pb.ListBoardsResponse()
        for facility, seen in sorted(self._presence.current().items()):
            if not self._desk.is_seen(facility, call.actor):
                continue
            state = (await self._runner.read(self._kinds.board, board_name(facility))).state
            if state is not None:
                response.boards.append(board_resource(state, seen, self._policy))
        return response

    async def withdraw_board(self, request: pb.WithdrawBoardRequest, call: Call) -> pb.WithdrawBoardResponse:
        """Raises NotFound, NotPermitted and NotAllowed."""
        context = command_context(request, call)
        facility = request.facility or call.actor.facility
        name = board_name(facility)
        reply = await self._runner.run(
            self._desk.withdraw(_WITHDRAW.from_message(request), facility),
            context,
            kind=self._kinds.board,
            target=name,
            digest=request_digest(request, call),
        )
        await self._presence.forget(facility)
        return pb.WithdrawBoardResponse(board=board_resource(reply.state, None, self._policy))
