"""EpisodeService."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from services.referral.application.aggregates import Aggregates
from services.referral.application.change_episode import change_episode
from services.referral.application.known_directory import KnownDirectory
from services.referral.application.listing import ListFilter
from services.referral.application.open_episode import open_episode
from services.referral.application.reading import Reading
from services.referral.application.summarize_clocks import ClockQuery, ClockSummaries
from services.referral.domain import episode_commands as commands
from services.referral.domain.clocks_targets import ClockTargets
from services.referral.domain.directory_state import Directory
from services.referral.domain.episode import opened_by_request
from services.referral.domain.episode_state import Episode
from services.referral.domain.episode_values import EpisodeState
from services.referral.domain.referral_state import Referral, is_live
from services.referral.domain.values import Pathway
from services.referral.domain.whereabouts import whereabouts
from services.referral.entrypoints.grpc.clock_resources import report_resource, targets_resource
from services.referral.entrypoints.grpc.list_pages import next_token, place_of
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
from services.shared.rpc.paging import list_digest, page_size
from tierlink.referral.v1 import episode_service_pb2 as pb
from tierlink.type.v1 import type_pb2

SERVICE = "tierlink.referral.v1.EpisodeService"

#: Each is the RPC of its name.
CHANGES: tuple[type, ...] = (
    commands.RecordMilestone,
    commands.CorrectMilestone,
    commands.ExcludeClock,
    commands.LiftClockExclusion,
    commands.CloseEpisode,
)


class EpisodeServicer:
    """The RPCs of episodes."""

    def __init__(
        self,
        *,
        kinds: Aggregates,
        runner: CommandRunner,
        reading: Reading,
        directory: KnownDirectory,
        summaries: ClockSummaries,
        targets: ClockTargets,
    ) -> None:
        self._kinds = kinds
        self._runner = runner
        self._reading = reading
        self._directory = directory
        self._summaries = summaries
        self._targets = targets

    def methods(self) -> tuple[UnaryMethod[Any, Any], ...]:
        return (
            self._command(
                commands.OpenEpisode,
                target=lambda request, context: opened_by_request(context.request_id),
                use_case=partial(open_episode, self._kinds, self._directory),
            ),
            *(
                self._command(
                    command,
                    target=lambda request, context: str(request.name),
                    use_case=partial(change_episode, self._kinds, self._directory, self._targets.clocks),
                )
                for command in CHANGES
            ),
            _reads("GetEpisode", self.get_episode),
            _reads("ListEpisodes", self.list_episodes),
            _reads("SummarizeClocks", self.summarize_clocks),
            _reads("ListClockTargets", self.list_clock_targets),
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
        referrals = await self._reading.some(self._kinds.referral, _members(state, "referrals/"), reader)
        consultations = await self._reading.some(
            self._kinds.consultation, _members(state, "consultations/"), reader
        )
        way = _way(state, referrals, request.travel_to, self._directory.current())
        travel_s = None if way.minutes is None else way.minutes * 60
        return pb.GetEpisodeResponse(
            episode=episode_resource(state, self._targets, call.received_at, travel_s),
            referrals=[referral_resource(each) for each in referrals],
            consultations=[consultation_resource(each) for each in consultations],
            travel_from=way.origin,
            travel_to=way.destination,
            travel_minutes=way.minutes,
        )

    async def summarize_clocks(
        self, request: pb.SummarizeClocksRequest, call: Call
    ) -> pb.SummarizeClocksResponse:
        """Raises InvalidInput for a bad period, NotFound for a scope that is not the caller's to see."""
        pathway = value_name(type_pb2.Pathway, request.pathway)
        started_from = moment_in(request, "started_from")
        started_before = moment_in(request, "started_before")
        assert started_from is not None, "the contract requires it"
        assert started_before is not None, "the contract requires it"
        query = ClockQuery(
            started_from=started_from,
            started_before=started_before,
            facility=request.facility,
            community=request.community,
            region=request.region,
            pathway=Pathway(pathway) if pathway else None,
        )
        return report_resource(await self._summaries.summarize(query, call.actor))

    async def list_clock_targets(
        self, request: pb.ListClockTargetsRequest, call: Call
    ) -> pb.ListClockTargetsResponse:
        """What the site measures itself by is everybody's to know."""
        pathway = value_name(type_pb2.Pathway, request.pathway)
        return targets_resource(self._targets.of(Pathway(pathway) if pathway else None))

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
            after=place_of(request.page_token, bound_to=bound_to, by_creation=wanted.by_creation),
            limit=page_size(request.page_size),
        )
        return pb.ListEpisodesResponse(
            episodes=[episode_resource(state, self._targets, call.received_at) for state in page.states],
            next_page_token=next_token(page.next_after, bound_to=bound_to),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Way:
    """Whence, whither, and how long it takes; empty and None where that is not known."""

    origin: str
    destination: str
    minutes: int | None


def _way(episode: Episode, referrals: tuple[Referral, ...], travel_to: str, directory: Directory) -> _Way:
    """From where the patient is to where he is asked about, else to where he is being referred."""
    origin = whereabouts(episode)
    live = [each.destination_facility for each in referrals if is_live(each)]
    destination = travel_to or (live[0] if live else "")
    if not origin or not destination or origin == destination:
        return _Way(origin=origin, destination=destination, minutes=None)
    return _Way(origin=origin, destination=destination, minutes=directory.travel_minutes(origin, destination))


def _members(episode: Episode, collection: str) -> tuple[str, ...]:
    return tuple(name for name in episode.members if name.startswith(collection))


def _reads(name: str, handler: Any) -> UnaryMethod[Any, Any]:
    return UnaryMethod(
        name=name,
        request_type=getattr(pb, f"{name}Request"),
        response_type=getattr(pb, f"{name}Response"),
        handler=handler,
    )
