"""RosterService."""

from typing import Any

from services.notification.application.aggregates import Aggregates
from services.notification.application.apply_roster import apply_roster
from services.notification.application.reading import sees_everything
from services.notification.domain import roster as rosters
from services.notification.domain.commands import ApplyRoster
from services.notification.domain.events import RosterApplied
from services.notification.domain.roster import RosterChange, roster_facility, roster_name
from services.notification.entrypoints.grpc.resources import duty_resource
from services.shared.commands.command_method import command_context, request_digest
from services.shared.eventstore.runner import CommandRunner
from services.shared.kernel.refusals import NotPermitted
from services.shared.kernel.text import BilingualText
from services.shared.protocodec import MessageCodec
from services.shared.rpc.call import Call
from services.shared.rpc.method import UnaryMethod
from tierlink.notification.v1 import roster_service_pb2 as pb

SERVICE = "tierlink.notification.v1.RosterService"

_OTHER_FACILITY = BilingualText(
    zh="不可查看其他机构的值班表", en="the roster of another facility is not shown"
)

_APPLY: MessageCodec[ApplyRoster, pb.ApplyRosterRequest] = MessageCodec(ApplyRoster, pb.ApplyRosterRequest)


class RosterServicer:
    """The RPCs of rosters."""

    def __init__(self, kinds: Aggregates, runner: CommandRunner) -> None:
        self._kinds = kinds
        self._runner = runner

    def methods(self) -> tuple[UnaryMethod[Any, Any], ...]:
        return (
            UnaryMethod(
                name="ApplyRoster",
                request_type=pb.ApplyRosterRequest,
                response_type=pb.ApplyRosterResponse,
                handler=self.apply_roster,
            ),
            UnaryMethod(
                name="ListDuties",
                request_type=pb.ListDutiesRequest,
                response_type=pb.ListDutiesResponse,
                handler=self.list_duties,
            ),
        )

    async def apply_roster(self, request: pb.ApplyRosterRequest, call: Call) -> pb.ApplyRosterResponse:
        context = command_context(request, call)
        command = _APPLY.from_message(request)
        name = roster_name(roster_facility(command, call.actor))
        before = await self._runner.read(self._kinds.roster, name)
        if command.dry_run or (before.state is None and not command.duties):
            rosters.decide(before.state, command, context)
            return _response(before.version, rosters.change(before.state, command.duties))
        reply = await self._runner.run(
            apply_roster(self._kinds, command, name),
            context,
            kind=self._kinds.roster,
            target=name,
            digest=request_digest(request, call),
        )
        return _response(reply.version, await self._change(name, reply.version, context.request_id))

    async def _change(self, name: str, version: int, request_id: str) -> RosterChange:
        """What this request changed, also when it is asked again: from the event that it left."""
        event = await self._runner.event_at(self._kinds.roster, name, version)
        if event.metadata.request_id != request_id or not isinstance(event.event, RosterApplied):
            return RosterChange(added=0, removed=0)
        if version == 1:
            return rosters.change(None, event.event.duties)
        former = await self._runner.state_at(self._kinds.roster, name, version - 1)
        return rosters.change(former, event.event.duties)

    async def list_duties(self, request: pb.ListDutiesRequest, call: Call) -> pb.ListDutiesResponse:
        """Raises NotPermitted for another facility's: a roster names people."""
        if request.facility != call.actor.facility and not sees_everything(call.actor):
            raise NotPermitted("OTHER_FACILITY", _OTHER_FACILITY)
        loaded = await self._runner.read(self._kinds.roster, roster_name(request.facility))
        duties = () if loaded.state is None else loaded.state.duties
        return pb.ListDutiesResponse(duties=[duty_resource(duty) for duty in duties], version=loaded.version)


def _response(version: int, change: RosterChange) -> pb.ApplyRosterResponse:
    return pb.ApplyRosterResponse(version=version, added=change.added, removed=change.removed)
