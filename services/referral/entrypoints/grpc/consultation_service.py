"""ConsultationService."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Any

from services.referral.application.aggregates import Aggregates
from services.referral.application.change_consultation import change_consultation
from services.referral.application.known_directory import KnownDirectory
from services.referral.application.reading import Reading
from services.referral.application.request_consultation import request_consultation
from services.referral.domain import consultation_commands as commands
from services.referral.domain.consultation_policy import ConsultationPolicy
from services.referral.domain.consultation_state import Consultation
from services.referral.entrypoints.grpc.consultation_filter import consultation_filter
from services.referral.entrypoints.grpc.list_pages import next_token, place_of
from services.referral.entrypoints.grpc.reading import reader_of
from services.referral.entrypoints.grpc.resources import consultation_resource
from services.shared.commands.command_method import command_method
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.work import Reply
from services.shared.kernel.ids import resource_name
from services.shared.rpc.call import Call
from services.shared.rpc.method import StreamMethod, UnaryMethod
from services.shared.rpc.paging import list_digest, page_size
from services.shared.watching.resource_stream import ResourceStreams
from tierlink.referral.v1 import consultation_service_pb2 as pb

SERVICE = "tierlink.referral.v1.ConsultationService"

#: Each is the RPC of its name.
CHANGES: tuple[type, ...] = (
    commands.ClaimConsultation,
    commands.ReleaseClaim,
    commands.ReturnConsultation,
    commands.ResubmitConsultation,
    commands.ReportConsultation,
    commands.AmendReport,
    commands.AcknowledgeCriticalValue,
    commands.ConfirmExpertVisit,
    commands.RecordExpertVisit,
    commands.CancelExpertVisit,
    commands.CancelConsultation,
)


class ConsultationServicer:
    """The RPCs of consultations."""

    def __init__(
        self,
        *,
        kinds: Aggregates,
        runner: CommandRunner,
        reading: Reading,
        directory: KnownDirectory,
        policy: ConsultationPolicy,
        streams: ResourceStreams[Consultation],
    ) -> None:
        self._kinds = kinds
        self._runner = runner
        self._reading = reading
        self._directory = directory
        self._policy = policy
        self._streams = streams

    def methods(self) -> tuple[UnaryMethod[Any, Any] | StreamMethod[Any, Any], ...]:
        return (
            self._command(
                commands.RequestConsultation,
                target=lambda request, context: resource_name("consultations", context.request_id),
                use_case=partial(request_consultation, self._kinds, self._directory, self._policy),
            ),
            *(
                self._command(
                    command,
                    target=lambda request, context: str(request.name),
                    use_case=partial(change_consultation, self._kinds, self._directory, self._policy),
                )
                for command in CHANGES
            ),
            UnaryMethod(
                name="GetConsultation",
                request_type=pb.GetConsultationRequest,
                response_type=pb.GetConsultationResponse,
                handler=self.get_consultation,
            ),
            UnaryMethod(
                name="ListConsultations",
                request_type=pb.ListConsultationsRequest,
                response_type=pb.ListConsultationsResponse,
                handler=self.list_consultations,
            ),
            StreamMethod(
                name="WatchConsultations",
                request_type=pb.WatchConsultationsRequest,
                response_type=pb.WatchConsultationsResponse,
                handler=self.watch_consultations,
            ),
        )

    def _command(self, command: type, *, target: Any, use_case: Any) -> UnaryMethod[Any, Any]:
        name = command.__name__
        response = getattr(pb, f"{name}Response")

        def render(reply: Reply[Consultation]) -> Any:
            return response(consultation=consultation_resource(reply.state))

        return command_method(
            name=name,
            request_type=getattr(pb, f"{name}Request"),
            response_type=response,
            command_type=command,
            kind=self._kinds.consultation,
            runner=self._runner,
            target=target,
            use_case=use_case,
            render=render,
        )

    async def get_consultation(
        self, request: pb.GetConsultationRequest, call: Call
    ) -> pb.GetConsultationResponse:
        state = await self._reading.one(self._kinds.consultation, request.name, reader_of(call))
        return pb.GetConsultationResponse(consultation=consultation_resource(state))

    async def watch_consultations(
        self, request: pb.WatchConsultationsRequest, call: Call
    ) -> AsyncGenerator[pb.WatchConsultationsResponse, None]:
        """Raises InvalidInput for a bad token."""
        changes = self._streams.watch(
            request.resume_token,
            picture=partial(self._reading.picture, self._kinds.consultation, reader_of(call)),
            visible=lambda state: self._reading.may_read(self._kinds.consultation, state, call.actor),
            traceparent=call.traceparent,
        )
        async with aclosing(changes):
            async for change in changes:
                response = pb.WatchConsultationsResponse(
                    event_type=change.event_type, resume_token=change.resume_token
                )
                if change.state is not None:
                    if change.event_type:
                        # The first picture was recorded as a whole.
                        await self._reading.shown(reader_of(call), change.state.name)
                    response.consultation.CopyFrom(consultation_resource(change.state))
                yield response

    async def list_consultations(
        self, request: pb.ListConsultationsRequest, call: Call
    ) -> pb.ListConsultationsResponse:
        bound_to = list_digest(request)
        wanted = consultation_filter(request, call.actor)
        page = await self._reading.page(
            self._kinds.consultation,
            wanted,
            reader_of(call),
            after=place_of(request.page_token, bound_to=bound_to),
            limit=page_size(request.page_size),
        )
        return pb.ListConsultationsResponse(
            consultations=[consultation_resource(state) for state in page.states],
            next_page_token=next_token(page.next_after, bound_to=bound_to),
        )
