"""EpisodeService."""

from functools import partial
from typing import Any

from services.referral.application.aggregates import Aggregates
from services.referral.application.change_episode import change_episode
from services.referral.application.listing import ListFilter
from services.referral.application.open_episode import open_episode
from services.referral.application.reading import Reading
from services.referral.domain import episode_commands as commands
from services.referral.domain.clocks_targets import ClockTarget
from services.referral.domain.episode import opened_by_request
from services.referral.domain.episode_state import Episode
from services.referral.domain.episode_values import EpisodeState
from services.referral.entrypoints.grpc.reading import moment_in, reader_of, value_name
from services.referral.entrypoints.grpc.resources import (
    consultation_resource,
    episode_resource,
    referral_resource,
)
from services.shared.commands.command_method import command_method
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.work import Reply
from services.shared.rpc.call import Call
from services.shared.rpc.method import UnaryMethod
from services.shared.rpc.paging import list_digest, page_size, page_token, position_number
from tierlink.referral.v1 import episode_service_pb2 as pb
from tierlink.type.v1 import type_pb2

SERVICE = "tierlink.referral.v1.EpisodeService"

#: Each is the RPC of its name.
CHANGES: tuple[type, ...] = (commands.RecordMilestone, commands.CorrectMilestone, commands.CloseEpisode)


class EpisodeServicer:
    """The RPCs of episodes."""

    def __init__(
        self,
        kinds: Aggregates,
        runner: CommandRunner,
        reading: Reading,
        targets: tuple[ClockTarget, ...],
    ) -> None:
        self._kinds = kinds
        self._runner = runner
        self._reading = reading
        self._targets = targets

    def methods(self) -> tuple[UnaryMethod[Any, Any], ...]:
        return (
            self._command(
                commands.OpenEpisode,
                target=lambda request, context: opened_by_request(context.request_id),
                use_case=partial(open_episode, self._kinds),
            ),
            *(
                self._command(
                    command,
                    target=lambda request, context: str(request.name),
                    use_case=partial(change_episode, self._kinds),
                )
                for command in CHANGES
            ),
            UnaryMethod(
                name="GetEpisode",
                request_type=pb.GetEpisodeRequest,
                response_type=pb.GetEpisodeResponse,
                handler=self.get_episode,
            ),
            UnaryMethod(
                name="ListEpisodes",
                request_type=pb.ListEpisodesRequest,
                response_type=pb.ListEpisodesResponse,
                handler=self.list_episodes,
            ),
        )

    def _command(self, command: type, *, target: Any, use_case: Any) -> UnaryMethod[Any, Any]:
        name = command.__name__
        response = getattr(pb, f"{name}Response")

        def render(reply: Reply[Episode]) -> Any:
            # Without a present moment: the same request must get the same reply an hour later.
            return response(episode=episode_resource(reply.state, self._targets, None))

        return command_method(
            name=name,
            request_type=getattr(pb, f"{name}Request"),
            response_type=response,
            command_type=command,
            kind=self._kinds.episode,
            runner=self._runner,
            target=target,
            use_case=use_case,
            render=render,
        )

    async def get_episode(self, request: pb.GetEpisodeRequest, call: Call) -> pb.GetEpisodeResponse:
        reader = reader_of(call)
        state = await self._reading.episode(self._kinds, request.name, reader)
        referrals = tuple(name for name in state.members if name.startswith("referrals/"))
        consultations = tuple(name for name in state.members if name.startswith("consultations/"))
        return pb.GetEpisodeResponse(
            episode=episode_resource(state, self._targets, call.received_at),
            referrals=[
                referral_resource(each)
                for each in await self._reading.some(self._kinds.referral, referrals, reader)
            ],
            consultations=[
                consultation_resource(each)
                for each in await self._reading.some(self._kinds.consultation, consultations, reader)
            ],
        )

    async def list_episodes(self, request: pb.ListEpisodesRequest, call: Call) -> pb.ListEpisodesResponse:
        bound_to = list_digest(request)
        wanted = ListFilter(
            states=(EpisodeState.OPEN.value,) if request.open_only else (),
            pathway=value_name(type_pb2.Pathway, request.pathway),
            patient=request.patient,
            created_from=moment_in(request, "created_from"),
            created_before=moment_in(request, "created_before"),
        )
        page = await self._reading.page(
            self._kinds.episode,
            wanted,
            reader_of(call),
            after=position_number(request.page_token, bound_to=bound_to),
            limit=page_size(request.page_size),
        )
        return pb.ListEpisodesResponse(
            episodes=[episode_resource(state, self._targets, call.received_at) for state in page.states],
            next_page_token=page_token(page.next_after, bound_to=bound_to),
        )
