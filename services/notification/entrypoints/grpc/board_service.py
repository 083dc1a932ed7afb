"""BoardService: signs of life of boards, and what they come to."""

from typing import Any

from services.notification.application.aggregates import Aggregates
from services.notification.application.board_desk import BoardDesk
from services.notification.application.presence import BoardPresence
from services.notification.domain import board_texts, texts
from services.notification.domain.board import Place, WithdrawBoard, board_name, may_report
from services.notification.domain.board_policy import BoardPolicy
from services.notification.entrypoints.grpc.resources import board_resource
from services.shared.commands.command_method import command_context, request_digest
from services.shared.eventstore.runner import CommandRunner
from services.shared.kernel.refusals import FieldViolation, InvalidInput, NotPermitted
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

    async def report_board(self, request: pb.ReportBoardRequest, call: Call) -> pb.ReportBoardResponse:
        """Raises NotPermitted for whoever's screen is no board of a facility's staff, InvalidInput for a
        centre that the facility does not have: the screen counts for the facility then."""
        if not may_report(call.actor):
            raise NotPermitted("NOT_A_BOARD", board_texts.NOT_A_BOARD)
        facility = call.actor.facility
        is_centres = request.centre in self._desk.centres_of(facility)
        await self._presence.note(Place(facility=facility, centre=request.centre if is_centres else ""))
        if request.centre and not is_centres:
            raise InvalidInput(
                FieldViolation(
                    field="centre", reason="NO_SUCH_CENTRE", description=board_texts.COUNTS_FOR_FACILITY.en
                )
            )
        return pb.ReportBoardResponse(live_s=self._policy.live_s)

    async def list_boards(self, _request: pb.ListBoardsRequest, call: Call) -> pb.ListBoardsResponse:
        await self._presence.refresh()
        response = pb.ListBoardsResponse()
        for code in self._desk.centres_of(call.actor.facility):
            named = texts.role_names((code,))
            centre = response.centres.add(code=code)
            centre.name.zh, centre.name.en = named.zh, named.en
        for place, seen in sorted(self._presence.current().items(), key=lambda known: known[0]):
            if not self._desk.is_seen(place.facility, call.actor):
                continue
            name = board_name(place.facility, place.centre)
            state = (await self._runner.read(self._kinds.board, name)).state
            if state is not None:
                response.boards.append(board_resource(state, seen, self._policy))
        return response

    async def withdraw_board(self, request: pb.WithdrawBoardRequest, call: Call) -> pb.WithdrawBoardResponse:
        """Raises NotFound, NotPermitted and NotAllowed."""
        context = command_context(request, call)
        facility = request.facility or call.actor.facility
        name = board_name(facility, request.centre)
        reply = await self._runner.run(
            self._desk.withdraw(_WITHDRAW.from_message(request), facility),
            context,
            kind=self._kinds.board,
            target=name,
            digest=request_digest(request, call),
        )
        await self._presence.forget(Place(facility=facility, centre=request.centre))
        return pb.WithdrawBoardResponse(board=board_resource(reply.state, None, self._policy))
