"""The ProjectionService of one service: entrypoint of a mechanism.

A decision is appended first and carried out after it. Where a process died between the two, whoever asks next
of that read model, whatever he asks, has it carried out.
"""

import time
from collections.abc import AsyncGenerator, Callable, Mapping
from datetime import UTC
from typing import Any

from services.shared.commands.command_method import command_context, request_digest
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.work import Reply, Work
from services.shared.kernel.refusals import NotFound
from services.shared.projections import decisions
from services.shared.projections.building import SWAP_MAX, Building, BuildProgress
from services.shared.projections.decisions import DecisionEvent, ProjectionFile, file_name, untouched
from services.shared.projections.projection_codec import projection_kind
from services.shared.refolding.topic_source import RecordsGone
from services.shared.rpc.call import Call
from services.shared.rpc.method import StreamMethod, UnaryMethod
from tierlink.projection.v1 import projection_service_pb2 as pb

SERVICE = "tierlink.projection.v1.ProjectionService"

#: Between two messages that only say how far it is: counting passes over every aggregate.
_TELL_EVERY_S = 1.0

Decide = Callable[[ProjectionFile], DecisionEvent]


class ProjectionServicer:
    """Serves operators; everybody else is refused."""

    def __init__(self, buildings: Mapping[str, Building], runner: CommandRunner) -> None:
        """`buildings` by the names of their read models. Raises CodecMismatch."""
        self._buildings = buildings
        self._runner = runner
        self._kind = projection_kind()

    def methods(self) -> tuple[UnaryMethod[Any, Any] | StreamMethod[Any, Any], ...]:
        unary: dict[str, Any] = {
            "ListProjections": self.list_projections,
            "BeginRebuild": self.begin,
            "SwapProjection": self.swap,
            "DropProjection": self.drop,
        }
        streams: dict[str, Any] = {"RunRebuild": self.run, "CompareProjection": self.compare}
        return (
            *(UnaryMethod(**_declared(name), handler=handler) for name, handler in unary.items()),
            *(StreamMethod(**_declared(name), handler=handler) for name, handler in streams.items()),
        )

    async def list_projections(
        self, request: pb.ListProjectionsRequest, call: Call
    ) -> pb.ListProjectionsResponse:
        decisions.check_actor(call.actor)
        return pb.ListProjectionsResponse(
            projections=[await self._shown(name) for name in sorted(self._buildings)]
        )

    async def begin(self, request: pb.BeginRebuildRequest, call: Call) -> pb.BeginRebuildResponse:
        """Raises NotFound, and NotAllowed while one is made already."""
        source = pb.ProjectionSource.Name(request.source).removeprefix("PROJECTION_SOURCE_")
        file = await self._decided(
            request,
            call,
            lambda known: decisions.begin(known, request.projection, source, request.reason),
        )
        return pb.BeginRebuildResponse(number=file.building)

    async def swap(self, request: pb.SwapProjectionRequest, call: Call) -> pb.SwapProjectionResponse:
        """Raises NotFound, and NotAllowed while it is far behind, or the one of before is kept."""
        decisions.check_actor(call.actor)
        building, known = self._building(request.projection), await self._file(request.projection)
        # Before it is decided: a decision that cannot be carried out would stand in the way of the next.
        if known.building and await building.store.count_behind() > SWAP_MAX:
            raise decisions.too_far_behind(known)
        file = await self._decided(
            request, call, lambda known: decisions.swap(known, request.projection, request.reason)
        )
        return pb.SwapProjectionResponse(serving=file.serving, retired=file.retired)

    async def drop(self, request: pb.DropProjectionRequest, call: Call) -> pb.DropProjectionResponse:
        """Raises NotFound, and NotAllowed for the one that serves."""
        await self._decided(
            request,
            call,
            lambda known: decisions.drop(known, request.projection, request.number, request.reason),
        )
        return pb.DropProjectionResponse(number=request.number)

    async def run(
        self, request: pb.RunRebuildRequest, call: Call
    ) -> AsyncGenerator[pb.RunRebuildResponse, None]:
        """Raises NotFound where none is made, NotAllowed where its source lost events, DependencyDown."""
        building = await self._built(request.projection, call)
        build = (await building.store.builds())["BUILDING"]
        told_s = 0.0
        progress = BuildProgress()
        try:
            async for progress in building.run(build):
                if time.monotonic() - told_s >= _TELL_EVERY_S:
                    built, aggregates = await building.store.counts()
                    told_s = time.monotonic()
                    yield pb.RunRebuildResponse(
                        events_count=progress.events, built_count=built, aggregates_count=aggregates
                    )
        except RecordsGone as error:
            raise decisions.records_gone(await self._file(request.projection), str(error)) from error
        built, aggregates = await building.store.counts()
        yield pb.RunRebuildResponse(
            events_count=progress.events,
            built_count=built,
            aggregates_count=aggregates,
            behind_count=await building.store.count_behind(),
            faults=progress.faults,
            complete=True,
        )

    async def compare(
        self, request: pb.CompareProjectionRequest, call: Call
    ) -> AsyncGenerator[pb.CompareProjectionResponse, None]:
        """Raises NotFound where none is made."""
        building = await self._built(request.projection, call)
        aggregates = rows = behind = 0
        async for page in building.compare():
            aggregates += page.aggregates
            rows += page.rows
            behind += page.behind
            yield pb.CompareProjectionResponse(
                differences=[
                    pb.RowDifference(
                        kind=f"KIND_{each['kind']}",  # type: ignore[arg-type]
                        key=each["key"],
                        columns=each["columns"] if each["kind"] == "ALTERED" else (),
                    )
                    for each in page.differences
                ],
                aggregates_count=aggregates,
                rows_count=rows,
                behind_count=behind,
            )
        yield pb.CompareProjectionResponse(
            aggregates_count=aggregates, rows_count=rows, behind_count=behind, complete=True
        )

    def _building(self, projection: str) -> Building:
        found = self._buildings.get(projection)
        if found is None:
            raise NotFound("Projection", projection)
        return found

    async def _built(self, projection: str, call: Call) -> Building:
        decisions.check_actor(call.actor)
        building = self._building(projection)
        file = await self._carried_out(projection)
        if not file.building:
            raise NotFound("Build", projection)
        return building

    async def _file(self, projection: str) -> ProjectionFile:
        loaded = await self._runner.read(self._kind, file_name(projection))
        return loaded.state or untouched(projection)

    async def _carried_out(self, projection: str) -> ProjectionFile:
        """What was decided of a read model, once it is so."""
        building = self._building(projection)
        file = await self._file(projection)
        there = await building.store.builds()
        serving, pending = there["SERVING"].number, there.get("BUILDING")
        if pending is not None and serving != file.serving == pending.number:
            await building.swap(file)
        await building.store.carry_out(file)
        return file

    async def _decided(self, request: Any, call: Call, decide: Decide) -> ProjectionFile:
        """Appends the decision, or finds it under its request id, and carries it out; the file after it.

        Raises what `decide` refuses with, NotFound, RequestIdReused.
        """
        decisions.check_actor(call.actor)
        projection = request.projection
        self._building(projection)
        await self._carried_out(projection)
        name = file_name(projection)

        async def use_case(work: Work) -> Reply[ProjectionFile]:
            known = await work.load_target(self._kind, name) or untouched(projection)
            await work.record(self._kind, name, (decide(known),))
            return work.reply(self._kind, name)

        context = command_context(request, call)
        digest = request_digest(request, call)
        reply = await self._runner.run(use_case, context, kind=self._kind, target=name, digest=digest)
        await self._carried_out(projection)
        return reply.state

    async def _shown(self, projection: str) -> pb.Projection:
        file = await self._carried_out(projection)
        built, aggregates = await self._buildings[projection].store.counts()
        shown = pb.Projection(
            name=projection,
            serving=file.serving,
            building=file.building,
            source=f"PROJECTION_SOURCE_{file.source or 'UNSPECIFIED'}",  # type: ignore[arg-type]
            built_count=built,
            aggregates_count=aggregates,
            retired=file.retired,
            decided_by=file.decided_by,
            reason=file.reason,
        )
        if file.decided_at is not None:
            shown.decided_at.FromDatetime(file.decided_at.astimezone(UTC))
        return shown


def _declared(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "request_type": getattr(pb, f"{name}Request"),
        "response_type": getattr(pb, f"{name}Response"),
    }
