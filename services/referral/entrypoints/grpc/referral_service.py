"""ReferralService: one RPC for each command of the state table, and the reading of referrals."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Any

from services.referral.application.aggregates import Aggregates
from services.referral.application.change_referral import ReferralChanges
from services.referral.application.create_referral import ReferralCreation
from services.referral.application.explain_referral import ReferralExplanation
from services.referral.application.known_directory import KnownDirectory
from services.referral.application.listing import ListFilter
from services.referral.application.read_recognitions import ResultRecognitions
from services.referral.application.read_timeline import TimelineReader
from services.referral.application.reading import Reading
from services.referral.domain import commands, commands_bypass, commands_plan
from services.referral.domain.explaining import ExplainReferral
from services.referral.domain.recognition import do_not_repeat
from services.referral.domain.referral_state import Referral
from services.referral.domain.transfer_prefill import ReferralDraft
from services.referral.entrypoints.grpc.list_pages import next_token, place_of
from services.referral.entrypoints.grpc.reading import moment_in, reader_of, value_name
from services.referral.entrypoints.grpc.resources import RECOGNITION, explanation_resource, referral_resource
from services.referral.entrypoints.grpc.timeline import (
    timeline_entries,
    timeline_mark,
    timeline_token,
    verification_findings,
)
from services.shared.audit.verification import verify_aggregate
from services.shared.commands.command_method import command_method
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.store import EventStore
from services.shared.eventstore.work import Reply
from services.shared.kernel.ids import resource_name
from services.shared.kernel.refusals import NotFound
from services.shared.protocodec import MessageCodec
from services.shared.rpc.call import Call
from services.shared.rpc.method import StreamMethod, UnaryMethod
from services.shared.rpc.paging import (
    PAGE_SIZE_MAX,
    bad_token,
    list_digest,
    page_size,
)
from services.shared.watching.rendered import Rendered
from services.shared.watching.resource_stream import Change, ResourceStreams
from tierlink.referral.v1 import referral_pb2
from tierlink.referral.v1 import referral_service_pb2 as pb
from tierlink.type.v1 import type_pb2

SERVICE = "tierlink.referral.v1.ReferralService"

#: Each is the RPC of its name.
CHANGES: tuple[type, ...] = (
    commands.ApproveReferral,
    commands.RefuseApproval,
    commands.ReviewReferral,
    commands.AcknowledgeOffer,
    commands.RequestInformation,
    commands.ProvideInformation,
    commands.AcceptReferral,
    commands.DeclineReferral,
    commands.RerouteReferral,
    commands.WithdrawAcceptance,
    commands_bypass.GrantBypass,
    commands.ArrangeTransport,
    commands.DepartPatient,
    commands.DivertPatient,
    commands.UpdateArrivalEstimate,
    commands.ReportArrival,
    commands.ReportNoShow,
    commands.StartTreatment,
    commands.CompleteTreatment,
    commands.ReferBack,
    commands.RecordFollowUp,
    commands_plan.CompleteTask,
    commands_plan.CancelTask,
    commands_plan.ExplainMissedTask,
    commands_plan.AmendPlan,
    commands_plan.AcknowledgeOutcome,
    commands.CloseReferral,
    commands.CancelReferral,
    commands.ConfirmCancellation,
    commands.RecordDeath,
    commands.MarkEnteredInError,
    commands.WithdrawErrorMark,
    commands.AddResults,
    commands.RecordRepeat,
    commands.CompleteRecord,
)

_EXPLAIN: MessageCodec[ExplainReferral, pb.ExplainReferralRequest] = MessageCodec(
    ExplainReferral, pb.ExplainReferralRequest
)


class ReferralServicer:
    """The RPCs of referrals."""

    def __init__(
        self,
        *,
        kinds: Aggregates,
        runner: CommandRunner,
        store: EventStore,
        reading: Reading,
        known: KnownDirectory,
        recognitions: ResultRecognitions,
        creation: ReferralCreation,
        changes: ReferralChanges,
        explanation: ReferralExplanation,
        streams: ResourceStreams[Referral],
    ) -> None:
        self._kinds = kinds
        self._runner = runner
        self._store = store
        self._reading = reading
        self._known = known
        self._recognitions = recognitions
        self._creation = creation
        self._changes = changes
        self._explanation = explanation
        self._streams = streams
        self._told = Rendered(_told)
        self._timelines = TimelineReader(store, runner, kinds)

    def methods(self) -> tuple[UnaryMethod[Any, Any] | StreamMethod[Any, Any], ...]:
        return (
            self._command(
                ReferralDraft,
                name="CreateReferral",
                target=lambda request, context: resource_name("referrals", context.request_id),
                use_case=self._creation.create,
            ),
            *(
                self._command(
                    command,
                    target=lambda request, context: str(request.name),
                    use_case=self._changes.change,
                )
                for command in CHANGES
            ),
            _reads("ExplainReferral", self.explain_referral),
            _reads("GetReferral", self.get_referral),
            _reads("ListReferrals", self.list_referrals),
            _reads("GetTimeline", self.get_timeline),
            _reads("VerifyTimeline", self.verify_timeline),
            StreamMethod(
                name="WatchReferrals",
                request_type=pb.WatchReferralsRequest,
                response_type=pb.WatchReferralsResponse,
                handler=self.watch_referrals,
            ),
        )

    def _command(self, command: type, *, name: str = "", target: Any, use_case: Any) -> UnaryMethod[Any, Any]:
        name = name or command.__name__
        response = getattr(pb, f"{name}Response")

        def render(reply: Reply[Referral]) -> Any:
            return response(referral=referral_resource(reply.state))

        return command_method(
            name=name,
            request_type=getattr(pb, f"{name}Request"),
            response_type=response,
            command_type=command,
            kind=self._kinds.referral,
            runner=self._runner,
            target=target,
            use_case=use_case,
            render=render,
        )

    async def explain_referral(
        self, request: pb.ExplainReferralRequest, call: Call
    ) -> pb.ExplainReferralResponse:
        if request.episode:
            # What is live in an episode is its parties' to know.
            await self._reading.one(self._kinds.episode, request.episode, reader_of(call))
        found = await self._explanation.explain(_EXPLAIN.from_message(request), call.actor, call.received_at)
        return pb.ExplainReferralResponse(destinations=[explanation_resource(each) for each in found])

    async def get_referral(self, request: pb.GetReferralRequest, call: Call) -> pb.GetReferralResponse:
        state = await self._reading.one(self._kinds.referral, request.name, reader_of(call))
        found = self._recognitions.of(state, call.actor, call.received_at)
        return pb.GetReferralResponse(
            referral=referral_resource(state),
            recognitions=[RECOGNITION.to_message(each) for each in found],
            do_not_repeat=[RECOGNITION.to_message(each) for each in do_not_repeat(found)],
        )

    async def list_referrals(self, request: pb.ListReferralsRequest, call: Call) -> pb.ListReferralsResponse:
        bound_to = list_digest(request)
        wanted = ListFilter(
            states=tuple(value_name(referral_pb2.ReferralState, state) for state in request.states),
            pathway=value_name(type_pb2.Pathway, request.pathway),
            urgency=value_name(type_pb2.Urgency, request.urgency),
            direction=value_name(referral_pb2.Direction, request.direction),
            patient=request.patient,
            episode=request.episode,
            waiting=request.waiting_for_me,
            overdue=request.overdue_only,
            created_from=moment_in(request, "created_from"),
            created_before=moment_in(request, "created_before"),
        )
        page = await self._reading.page(
            self._kinds.referral,
            wanted,
            reader_of(call),
            after=place_of(request.page_token, bound_to=bound_to, by_creation=wanted.by_creation),
            limit=page_size(request.page_size),
        )
        return pb.ListReferralsResponse(
            referrals=[referral_resource(state) for state in page.states],
            next_page_token=next_token(page.next_after, bound_to=bound_to),
        )

    async def watch_referrals(
        self, request: pb.WatchReferralsRequest, call: Call
    ) -> AsyncGenerator[pb.WatchReferralsResponse, None]:
        """Raises InvalidInput for a bad token."""
        changes = self._streams.watch(
            request.resume_token,
            picture=partial(self._reading.picture, self._kinds.referral, reader_of(call)),
            visible=lambda state: self._reading.may_read(self._kinds.referral, state, call.actor),
            traceparent=call.traceparent,
        )
        async with aclosing(changes):
            async for change in changes:
                if change.state is not None and change.event_type:
                    # The first picture was recorded as a whole.
                    await self._reading.shown(reader_of(call), change.state.name)
                yield self._told.of(change)

    async def get_timeline(self, request: pb.GetTimelineRequest, call: Call) -> pb.GetTimelineResponse:
        """Who may read the referral now may read what was known of it before."""
        reader, as_of = reader_of(call), moment_in(request, "as_of")
        bound_to = list_digest(request)
        after = timeline_mark(request.page_token, bound_to)
        limit = request.page_size or PAGE_SIZE_MAX
        referral = await self._reading.one(self._kinds.referral, request.name, reader)
        if request.whole_episode:
            # Clocks and milestones are for the episode's parties and who is asked to take the patient, each
            # member for its own alone: a centre that read one ECG need not know the moves.
            episode = await self._reading.episode(self._kinds, referral.episode, reader)
            members = await self._reading.readable(self._kinds, episode, reader)
            reading = self._timelines.of_episode(episode, members, as_of, after=after, limit=limit)
        else:
            reading = self._timelines.of_referral(referral, as_of, after=after, limit=limit)
        try:
            page = await reading
        except LookupError as error:
            if after is None:
                raise
            raise bad_token() from error
        response = pb.GetTimelineResponse(
            entries=timeline_entries(page.events, self._known),
            next_page_token=timeline_token(page.next_after, bound_to),
        )
        known = await self._timelines.state_at(referral, as_of)
        if known is not None:
            response.referral.CopyFrom(referral_resource(known))
        return response

    async def verify_timeline(
        self, request: pb.VerifyTimelineRequest, call: Call
    ) -> pb.VerifyTimelineResponse:
        await self._reading.one(self._kinds.referral, request.name, reader_of(call))
        stream = await self._store.load(request.name)
        if stream is None:
            raise NotFound("referral", request.name)
        verified = await verify_aggregate(self._store, self._kinds.by_name(), stream)
        return pb.VerifyTimelineResponse(
            intact=not verified.findings,
            events_count=verified.events_count,
            findings=verification_findings(verified),
        )


def _reads(name: str, handler: Any) -> UnaryMethod[Any, Any]:
    return UnaryMethod(
        name=name,
        request_type=getattr(pb, f"{name}Request"),
        response_type=getattr(pb, f"{name}Response"),
        handler=handler,
    )


def _told(change: Change[Referral]) -> pb.WatchReferralsResponse:
    told = pb.WatchReferralsResponse(event_type=change.event_type, resume_token=change.resume_token)
    if change.state is not None:
        told.referral.CopyFrom(referral_resource(change.state))
    return told
