"""Swaps that people agree on, of RosterService."""

from typing import Any

from services.notification.application.aggregates import Aggregates
from services.notification.application.agree_swaps import SwapDesk, addressed_roster
from services.notification.domain import swaps
from services.notification.domain.clock_times import CHINA_OFFSET_MINUTES
from services.notification.domain.roster_state import Roster, offset_minutes
from services.notification.domain.swap_texts import proposal_text
from services.notification.domain.swap_values import (
    ConfirmSwap,
    DeclineSwap,
    ProposeSwap,
    SwapCommand,
    SwapProposal,
    WithdrawSwap,
)
from services.shared.commands.command_method import command_context, request_digest
from services.shared.eventstore.runner import CommandRunner
from services.shared.protocodec import MessageCodec
from services.shared.rpc.call import Call
from services.shared.rpc.method import UnaryMethod
from tierlink.notification.v1 import roster_plan_pb2
from tierlink.notification.v1 import roster_service_pb2 as pb

_SWAP: MessageCodec[SwapProposal, roster_plan_pb2.SwapProposal] = MessageCodec(
    SwapProposal, roster_plan_pb2.SwapProposal
)


class SwapServicer:
    """The RPCs of swaps."""

    def __init__(self, kinds: Aggregates, runner: CommandRunner, desk: SwapDesk) -> None:
        self._kinds = kinds
        self._runner = runner
        self._desk = desk

    def methods(self) -> tuple[UnaryMethod[Any, Any], ...]:
        return (
            *(self._command(each) for each in (ProposeSwap, ConfirmSwap, DeclineSwap, WithdrawSwap)),
            UnaryMethod(
                name="ListSwaps",
                request_type=pb.ListSwapsRequest,
                response_type=pb.ListSwapsResponse,
                handler=self.list_swaps,
            ),
        )

    async def list_swaps(self, request: pb.ListSwapsRequest, call: Call) -> pb.ListSwapsResponse:
        """Raises NotPermitted for another facility's: a roster names people."""
        facility = request.facility or call.actor.facility
        state, found = await self._desk.listed(facility, call.actor, open_only=request.open_only)
        if state is None:
            return pb.ListSwapsResponse(utc_offset_minutes=CHINA_OFFSET_MINUTES)
        return pb.ListSwapsResponse(
            swaps=[swap_resource(each, state) for each in found],
            version=state.version,
            utc_offset_minutes=offset_minutes(state),
        )

    def _command(self, command_type: type) -> UnaryMethod[Any, Any]:
        name = command_type.__name__
        request_type, response_type = getattr(pb, f"{name}Request"), getattr(pb, f"{name}Response")
        codec: MessageCodec[Any, Any] = MessageCodec(command_type, request_type)

        async def handle(request: Any, call: Call) -> Any:
            """The swap after the command. Raises NotFound, NotPermitted, InvalidInput and NotAllowed."""
            context = command_context(request, call)
            command: SwapCommand = codec.from_message(request)
            target = addressed_roster(command, call.actor)
            reply = await self._runner.run(
                self._desk.carry_out(command, target),
                context,
                kind=self._kinds.roster,
                target=target,
                digest=request_digest(request, call),
            )
            asked = command.swap if not isinstance(command, ProposeSwap) else ""
            swap = swaps.find(reply.state, asked or swaps.swap_name(target, context.request_id))
            assert swap is not None
            return response_type(swap=swap_resource(swap, reply.state), version=reply.version)

        return UnaryMethod(name=name, request_type=request_type, response_type=response_type, handler=handle)


def swap_resource(swap: SwapProposal, roster: Roster) -> roster_plan_pb2.SwapProposal:
    """With its words, by the site's clock."""
    message = _SWAP.to_message(swap)
    text = proposal_text(swap, offset_minutes(roster))
    message.text.zh, message.text.en = text.zh, text.en
    return message
