"""AlertService."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from services.notification.application.aggregates import Aggregates
from services.notification.application.change_alert import change_alert
from services.notification.application.delivery_table import DeliveryTable
from services.notification.application.reading import AlertReading
from services.notification.domain import commands
from services.notification.domain.alert_state import Alert, parties
from services.notification.entrypoints.grpc.resources import alert_resource, delivery_resource
from services.shared.commands.command_method import command_method
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.work import Reply
from services.shared.kernel.refusals import NotPermitted
from services.shared.kernel.text import BilingualText
from services.shared.rpc.call import Call
from services.shared.rpc.method import StreamMethod, UnaryMethod
from services.shared.rpc.paging import page_size, page_token, position_number
from services.shared.watching.rendered import Rendered
from services.shared.watching.resource_stream import Change, Pictured, ResourceStreams
from tierlink.notification.v1 import alert_pb2
from tierlink.notification.v1 import alert_service_pb2 as pb

SERVICE = "tierlink.notification.v1.AlertService"

#: More messages than a whole escalation sends.
_DELIVERIES_MAX = 1_000

_OTHER_FACILITY = BilingualText(
    zh="不可查看其他机构的提醒", en="the alerts of another facility are not shown"
)


class AlertServicer:
    """The RPCs of alerts."""

    def __init__(
        self,
        kinds: Aggregates,
        runner: CommandRunner,
        reading: AlertReading,
        streams: ResourceStreams[Alert],
        deliveries: DeliveryTable,
    ) -> None:
        self._kinds = kinds
        self._runner = runner
        self._reading = reading
        self._streams = streams
        self._told = Rendered(_told)
        self._deliveries = deliveries

    def methods(self) -> tuple[UnaryMethod[Any, Any] | StreamMethod[Any, Any], ...]:
        return (
            self._command(commands.AcknowledgeAlert),
            self._command(commands.ResolveAlert),
            UnaryMethod(
                name="GetAlert",
                request_type=pb.GetAlertRequest,
                response_type=pb.GetAlertResponse,
                handler=self.get_alert,
            ),
            UnaryMethod(
                name="ListAlerts",
                request_type=pb.ListAlertsRequest,
                response_type=pb.ListAlertsResponse,
                handler=self.list_alerts,
            ),
            StreamMethod(
                name="WatchAlerts",
                request_type=pb.WatchAlertsRequest,
                response_type=pb.WatchAlertsResponse,
                handler=self.watch_alerts,
            ),
        )

    def _command(self, command: type) -> UnaryMethod[Any, Any]:
        name = command.__name__
        response = getattr(pb, f"{name}Response")

        def render(reply: Reply[Alert]) -> Any:
            return response(alert=alert_resource(reply.state))

        return command_method(
            name=name,
            request_type=getattr(pb, f"{name}Request"),
            response_type=response,
            command_type=command,
            kind=self._kinds.alert,
            runner=self._runner,
            target=lambda request, context: str(request.name),
            use_case=lambda decided, alert: change_alert(
                self._kinds, decided, alert, self._reading.directory
            ),
            render=render,
        )

    async def get_alert(self, request: pb.GetAlertRequest, call: Call) -> pb.GetAlertResponse:
        alert = await self._reading.one(request.name, call.actor)
        shown = await self._deliveries.shown(alert.name, limit=_DELIVERIES_MAX)
        return pb.GetAlertResponse(
            alert=alert_resource(alert), channel_deliveries=[delivery_resource(each) for each in shown]
        )

    async def list_alerts(self, request: pb.ListAlertsRequest, call: Call) -> pb.ListAlertsResponse:
        contains: dict[str, object] = {}
        if request.subject:
            contains["subject"] = request.subject
        if request.episode:
            contains["episode"] = request.episode
        states = [alert_pb2.AlertState.Name(state) for state in request.states]
        page = await self._reading.page(
            contains,
            self._reading.facilities_of(call.actor),
            states=tuple(state.removeprefix("ALERT_STATE_") for state in states),
            after=position_number(request.page_token),
            limit=page_size(request.page_size),
        )
        return pb.ListAlertsResponse(
            alerts=[alert_resource(alert) for alert in page.alerts],
            next_page_token=page_token(page.next_after),
        )

    async def watch_alerts(
        self, request: pb.WatchAlertsRequest, call: Call
    ) -> AsyncGenerator[pb.WatchAlertsResponse, None]:
        """Raises NotPermitted for another facility's alerts, InvalidInput for a bad token."""
        actor = call.actor
        seen = self._reading.facilities_of(actor)
        if request.facility and seen is not None and request.facility not in seen:
            raise NotPermitted("OTHER_FACILITY", _OTHER_FACILITY)
        facility = request.facility or actor.facility

        def visible(alert: Alert) -> bool:
            return self._reading.is_seen(alert, actor) and (not facility or facility in parties(alert))

        async def picture() -> AsyncIterator[Pictured[Alert]]:
            async for alert in self._reading.picture((facility,) if facility else seen):
                if visible(alert):
                    yield Pictured(name=alert.name, version=alert.version, state=alert)

        changes = self._streams.watch(
            request.resume_token, picture=picture, visible=visible, traceparent=call.traceparent
        )
        async with aclosing(changes):
            async for change in changes:
                yield self._told.of(change)


def _told(change: Change[Alert]) -> pb.WatchAlertsResponse:
    told = pb.WatchAlertsResponse(event_type=change.event_type, resume_token=change.resume_token)
    if change.state is not None:
        told.alert.CopyFrom(alert_resource(change.state))
    return told
