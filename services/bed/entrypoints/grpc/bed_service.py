"""BedService."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from services.bed.application.aggregates import Aggregates
from services.bed.application.apply_wards import WardApplication
from services.bed.application.change_ward import change_ward
from services.bed.application.finding_wards import WardFinder
from services.bed.application.hold_bed import Holding
from services.bed.application.reading import WardReading
from services.bed.domain import commands as ask
from services.bed.domain.commands import ApplyWards, HoldBed
from services.bed.domain.description import split
from services.bed.domain.holds import ensure_within
from services.bed.domain.state import Ward, bed_of_hold, bed_of_referral, stream_id
from services.bed.domain.values import Hold
from services.bed.entrypoints.grpc.resources import (
    bed_type_of,
    hold_resource,
    ward_resource,
)
from services.shared.commands.command_method import command_context, command_method, request_digest
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.work import Reply
from services.shared.kernel.refusals import NotFound
from services.shared.protocodec import MessageCodec
from services.shared.rpc.call import Call
from services.shared.rpc.method import UnaryMethod, unary_methods
from services.shared.rpc.paging import page_size, page_token, position_number
from tierlink.bed.v1 import bed_service_pb2 as pb

SERVICE = "tierlink.bed.v1.BedService"

#: What only the system says of a hold.
SYSTEM_FIELDS = frozenset({"record_refusal", "urgency", "asked_at", "patient_in_transit", "patient_arrived"})

#: Each is the RPC of its name, and names its ward.
OF_A_WARD: tuple[type, ...] = (
    ask.OccupyBed,
    ask.VacateBed,
    ask.MarkBedReady,
    ask.BlockBed,
    ask.UnblockBed,
)

_APPLY: MessageCodec[ApplyWards, pb.ApplyWardsRequest] = MessageCodec(ApplyWards, pb.ApplyWardsRequest)
_CODECS: dict[type, MessageCodec[Any, Any]] = {
    ask.ExtendHold: MessageCodec(ask.ExtendHold, pb.ExtendHoldRequest),
    ask.ReleaseHold: MessageCodec(ask.ReleaseHold, pb.ReleaseHoldRequest),
    ask.TransferBed: MessageCodec(ask.TransferBed, pb.TransferBedRequest),
    ask.ConfirmCounts: MessageCodec(ask.ConfirmCounts, pb.ConfirmCountsRequest),
    ask.HoldBed: MessageCodec(ask.HoldBed, pb.HoldBedRequest, internal=SYSTEM_FIELDS),
}


class BedServicer:
    """The RPCs of wards and beds."""

    def __init__(
        self,
        *,
        kinds: Aggregates,
        runner: CommandRunner,
        finder: WardFinder,
        holding: Holding,
        application: WardApplication,
        reading: WardReading,
        hold_max: timedelta,
    ) -> None:
        self._kinds = kinds
        self._runner = runner
        self._finder = finder
        self._holding = holding
        self._application = application
        self._reading = reading
        self._hold_max = hold_max

    def methods(self) -> tuple[UnaryMethod[Any, Any], ...]:
        own: dict[str, Callable[[Any, Call], Awaitable[Any]]] = {
            "ApplyWards": self.apply_wards,
            "TransferBed": self.transfer_bed,
            "HoldBed": self.hold_bed,
            "ExtendHold": self.extend_hold,
            "ReleaseHold": self.release_hold,
            "ConfirmCounts": self.confirm_counts,
            "ListBeds": self.list_beds,
        }
        return (
            *(self._of_ward(command) for command in OF_A_WARD),
            *unary_methods(pb, own),
        )

    def _of_ward(self, command: type) -> UnaryMethod[Any, Any]:
        name = command.__name__
        response = getattr(pb, f"{name}Response")
        return command_method(
            name=name,
            request_type=getattr(pb, f"{name}Request"),
            response_type=response,
            command_type=command,
            kind=self._kinds.ward,
            runner=self._runner,
            target=lambda request, context: stream_id(request.ward),
            use_case=lambda decided, ward: change_ward(self._kinds, decided, ward),
            render=lambda reply: response(ward=ward_resource(reply.state)),
        )

    async def apply_wards(self, request: pb.ApplyWardsRequest, call: Call) -> pb.ApplyWardsResponse:
        context = command_context(request, call)
        commands = split(_APPLY.from_message(request), call.actor)
        if request.dry_run:
            outcome = await self._application.dry_run(commands, context)
        else:
            await self._runner.run(
                self._application.apply(commands),
                context,
                kind=self._kinds.ward,
                target=stream_id(commands[0].ward.id),
                digest=request_digest(request, call),
            )
            outcome = await self._application.outcome(commands, context)
        return pb.ApplyWardsResponse(
            wards=[ward_resource(ward) for ward in outcome.wards],
            added=outcome.added,
            removed=outcome.removed,
            changed=outcome.changed,
            added_wards=outcome.added_wards,
            changed_wards=outcome.changed_wards,
        )

    async def transfer_bed(self, request: pb.TransferBedRequest, call: Call) -> pb.TransferBedResponse:
        name = stream_id(request.ward)
        reply = await self._runner.run(
            change_ward(self._kinds, _CODECS[ask.TransferBed].from_message(request), name),
            command_context(request, call),
            kind=self._kinds.ward,
            target=name,
            digest=request_digest(request, call),
        )
        response = pb.TransferBedResponse(ward=ward_resource(reply.state))
        if request.to_ward not in {"", request.ward}:
            other = (await self._runner.read(self._kinds.ward, stream_id(request.to_ward))).state
            if other is not None:
                response.to_ward.CopyFrom(ward_resource(other))
        return response

    async def hold_bed(self, request: pb.HoldBedRequest, call: Call) -> pb.HoldBedResponse:
        command: HoldBed = _CODECS[ask.HoldBed].from_message(request)
        context = command_context(request, call)
        ensure_within(command.expires_at, context, self._hold_max)
        reply = await self._runner.run(
            self._holding.hold_bed(command),
            context,
            kind=self._kinds.ward,
            # Acceptances at one facility wait for each other here rather than collide over its last bed.
            target=f"facility/{command.facility}/{command.bed_type}",
            digest=request_digest(request, call),
        )
        bed = bed_of_referral(reply.state, command.referral)
        if bed is None or bed.hold is None:
            raise NotFound("Hold", command.referral)
        return pb.HoldBedResponse(hold=hold_resource(bed.hold), ward=ward_resource(reply.state))

    async def extend_hold(self, request: pb.ExtendHoldRequest, call: Call) -> pb.ExtendHoldResponse:
        command: ask.ExtendHold = _CODECS[ask.ExtendHold].from_message(request)
        ensure_within(command.expires_at, command_context(request, call), self._hold_max)
        reply = await self._of_hold(ask.ExtendHold, request, call)
        hold = _hold_in(reply.state, request.hold)
        return pb.ExtendHoldResponse(hold=hold_resource(hold), ward=ward_resource(reply.state))

    async def release_hold(self, request: pb.ReleaseHoldRequest, call: Call) -> pb.ReleaseHoldResponse:
        reply = await self._of_hold(ask.ReleaseHold, request, call)
        return pb.ReleaseHoldResponse(ward=ward_resource(reply.state))

    async def _of_hold(self, command: type, request: Any, call: Call) -> Reply[Ward]:
        """A command that names a hold: its ward is found first. A hold that ended has no ward any more."""
        context = command_context(request, call)
        digest = request_digest(request, call)
        name = await self._finder.name_of_hold(request.hold)
        if name is None:
            earlier = await self._runner.earlier_reply(self._kinds.ward, context, digest)
            if earlier is None:
                raise NotFound("Hold", request.hold)
            return earlier
        return await self._runner.run(
            change_ward(self._kinds, _CODECS[command].from_message(request), name),
            context,
            kind=self._kinds.ward,
            target=name,
            digest=digest,
        )

    async def confirm_counts(self, request: pb.ConfirmCountsRequest, call: Call) -> pb.ConfirmCountsResponse:
        name = stream_id(request.ward)
        command = _CODECS[ask.ConfirmCounts].from_message(request)
        reply = await self._runner.run(
            change_ward(self._kinds, command, name),
            command_context(request, call),
            kind=self._kinds.ward,
            target=name,
            digest=request_digest(request, call),
        )
        return pb.ConfirmCountsResponse(
            ward=ward_resource(reply.state), differs=command.counts != reply.state.counts
        )

    async def list_beds(self, request: pb.ListBedsRequest, call: Call) -> pb.ListBedsResponse:
        page = await self._reading.page(
            request.facility,
            bed_type_of(request.bed_type),
            call.actor,
            after=position_number(request.page_token),
            limit=page_size(request.page_size),
        )
        return pb.ListBedsResponse(
            wards=[ward_resource(ward) for ward in page.wards],
            next_page_token=page_token(page.next_after),
            stale_after_s=self._reading.stale_after_s,
        )


def _hold_in(ward: Ward, name: str) -> Hold:
    bed = bed_of_hold(ward, name)
    if bed is None or bed.hold is None:
        raise NotFound("Hold", name)
    return bed.hold
