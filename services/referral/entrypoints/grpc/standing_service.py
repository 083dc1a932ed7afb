"""StandingService: standing orders and their visits."""

from typing import Any

from services.referral.application.aggregates import Aggregates
from services.referral.application.list_visits import list_visits
from services.referral.application.listing import ListFilter
from services.referral.application.reading import Reading
from services.referral.application.standing_orders import StandingOrders
from services.referral.domain import standing_commands as commands
from services.referral.domain.standing_calendar import SiteCalendar
from services.referral.domain.standing_state import StandingOrder, week_of
from services.referral.domain.standing_values import StandingPolicy, Visit
from services.referral.entrypoints.grpc.list_pages import next_token, place_of
from services.referral.entrypoints.grpc.reading import reader_of
from services.referral.entrypoints.grpc.resources import listed_visit, standing_resource
from services.shared.commands.command_method import command_method
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.work import Reply
from services.shared.kernel.ids import resource_name
from services.shared.rpc.call import Call
from services.shared.rpc.method import UnaryMethod
from services.shared.rpc.paging import list_digest, page_size
from tierlink.referral.v1 import standing_pb2
from tierlink.referral.v1 import standing_service_pb2 as pb

SERVICE = "tierlink.referral.v1.StandingService"

#: Each is the RPC of its name.
CHANGES: tuple[type, ...] = (
    commands.RecordVisit,
    commands.ReportMissedVisit,
    commands.MoveVisit,
    commands.SuspendStanding,
    commands.ResumeStanding,
    commands.EndStanding,
)


class StandingServicer:
    """The RPCs of standing orders."""

    def __init__(
        self,
        *,
        kinds: Aggregates,
        runner: CommandRunner,
        reading: Reading,
        orders: StandingOrders,
        policy: StandingPolicy,
    ) -> None:
        self._kinds = kinds
        self._runner = runner
        self._reading = reading
        self._orders = orders
        self._calendar = SiteCalendar(policy=policy)

    def methods(self) -> tuple[UnaryMethod[Any, Any], ...]:
        return (
            self._command(
                commands.ScheduleStanding,
                target=lambda request, context: resource_name("standing_orders", context.request_id),
                use_case=self._orders.schedule,
            ),
            *(
                self._command(
                    command, target=lambda request, context: str(request.name), use_case=self._orders.change
                )
                for command in CHANGES
            ),
            UnaryMethod(
                name="GetStandingOrder",
                request_type=pb.GetStandingOrderRequest,
                response_type=pb.GetStandingOrderResponse,
                handler=self.get_standing_order,
            ),
            UnaryMethod(
                name="ListVisits",
                request_type=pb.ListVisitsRequest,
                response_type=pb.ListVisitsResponse,
                handler=self.list_visits,
            ),
        )

    def _command(self, command: type, *, target: Any, use_case: Any) -> UnaryMethod[Any, Any]:
        name = command.__name__
        response = getattr(pb, f"{name}Response")

        def render(reply: Reply[StandingOrder]) -> Any:
            return response(standing_order=standing_resource(reply.state))

        return command_method(
            name=name,
            request_type=getattr(pb, f"{name}Request"),
            response_type=response,
            command_type=command,
            kind=self._kinds.standing,
            runner=self._runner,
            target=target,
            use_case=use_case,
            render=render,
        )

    async def get_standing_order(
        self, request: pb.GetStandingOrderRequest, call: Call
    ) -> pb.GetStandingOrderResponse:
        state = await self._reading.one(self._kinds.standing, request.name, reader_of(call))
        return pb.GetStandingOrderResponse(standing_order=standing_resource(state))

    async def list_visits(self, request: pb.ListVisitsRequest, call: Call) -> pb.ListVisitsResponse:
        """The visits that are asked for; those of one order are never parted."""
        bound_to = list_digest(request)
        days = self._days(request, call)
        contains: dict[str, object] = {**days}
        if request.facility:
            contains["facility"] = request.facility
        if request.referral:
            contains["referral"] = request.referral
        states = frozenset(
            standing_pb2.VisitState.Name(state).removeprefix("VISIT_STATE_") for state in request.states
        )
        page = await list_visits(
            self._reading,
            self._kinds.standing,
            ListFilter(patient=request.patient, contains=contains),
            reader_of(call),
            matches=lambda visit: _on(visit, days) and (not states or visit.state in states),
            after=place_of(request.page_token, bound_to=bound_to),
            limit=page_size(request.page_size),
        )
        return pb.ListVisitsResponse(
            visits=[listed_visit(order, visit) for order, visit in page.visits],
            next_page_token=next_token(page.next_after, bound_to=bound_to),
        )

    def _days(self, request: pb.ListVisitsRequest, call: Call) -> dict[str, list[str]]:
        """The facets of the days that are asked for, by the site's clock."""
        if request.day:
            return {"days": [request.day]}
        today = self._calendar.day_of(call.received_at).isoformat()
        if request.period == pb.VISIT_PERIOD_TODAY:
            return {"days": [today]}
        if request.period == pb.VISIT_PERIOD_THIS_WEEK:
            return {"weeks": [week_of(today)]}
        return {}


def _on(visit: Visit, days: dict[str, list[str]]) -> bool:
    return visit.day in days.get("days", (visit.day,)) and week_of(visit.day) in days.get(
        "weeks", (week_of(visit.day),)
    )
