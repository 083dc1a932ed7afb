"""The AuditService of one service's store: entrypoint of a mechanism, the same for all three."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Any

from services.shared.audit.chain import Finding
from services.shared.audit.digests import stored_digests
from services.shared.audit.scan import Depth
from services.shared.audit.verification import (
    AuditedStore,
    SignedMoments,
    VerifiedAggregate,
    nothing_signed,
    verify_aggregate,
    verify_store,
)
from services.shared.audit.verifiers import Progress, Verifiers
from services.shared.eventstore.aggregate import AggregateKind
from services.shared.eventstore.units import StoredStream
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.refusals import NotFound, NotPermitted
from services.shared.kernel.text import BilingualText
from services.shared.rpc.call import Call
from services.shared.rpc.method import StreamMethod
from tierlink.audit.v1 import audit_service_pb2 as pb

SERVICE = "tierlink.audit.v1.AuditService"

#: A message at least every so many aggregates, so that a client can show progress.
_PROGRESS_EVERY = 500


#: Whether somebody who does not see everything may know of an aggregate.
KnownTo = Callable[[StoredStream, Actor], Awaitable[bool]]


class AuditServicer:
    """Serves VerifyChains for operators and coordinators, ExportEvents for operators.

    With `known_to`, coordinators verify what they may know of; that the rest is there they are not told.
    """

    def __init__(
        self,
        store: AuditedStore,
        kinds: Mapping[str, AggregateKind[Any, Any]],
        verifiers: Verifiers,
        known_to: KnownTo | None = None,
        signed: SignedMoments = nothing_signed,
    ) -> None:
        self._verifiers = verifiers
        self._store = store
        self._kinds = kinds
        self._known_to = known_to
        self._signed = signed

    def methods(self) -> tuple[StreamMethod[Any, Any], ...]:
        return (
            StreamMethod(
                name="VerifyChains",
                request_type=pb.VerifyChainsRequest,
                response_type=pb.VerifyChainsResponse,
                handler=self.verify_chains,
            ),
            StreamMethod(
                name="ExportEvents",
                request_type=pb.ExportEventsRequest,
                response_type=pb.ExportEventsResponse,
                handler=self.export_events,
            ),
        )

    async def verify_chains(
        self, request: pb.VerifyChainsRequest, call: Call
    ) -> AsyncGenerator[pb.VerifyChainsResponse, None]:
        """Raises NotPermitted for anybody but operators, coordinators and the system; NotFound for one."""
        if not call.actor.has_role(Role.OPERATOR, Role.COORDINATOR, Role.SYSTEM):
            text = BilingualText(
                zh="仅运维与协调人员可核验审计链", en="only operators and coordinators verify"
            )
            raise NotPermitted("ROLE_NOT_PERMITTED", text)
        sees_everything = call.actor.has_role(Role.OPERATOR, Role.SYSTEM)
        is_whole = sees_everything and not request.aggregate_id
        if is_whole and (request.processes or await self._verifiers.is_worth_it()):
            async for message in self._everything(request):
                yield message
            return
        aggregates = events = findings = 0
        async for verified in self._chosen(request, call.actor):
            aggregates += 1
            events += verified.events_count
            findings += len(verified.findings)
            if verified.findings or aggregates % _PROGRESS_EVERY == 0:
                yield pb.VerifyChainsResponse(
                    aggregates_count=aggregates,
                    events_count=events,
                    findings_count=findings,
                    findings=[_message(finding) for finding in verified.findings],
                )
        yield pb.VerifyChainsResponse(
            aggregates_count=aggregates, events_count=events, findings_count=findings, complete=True
        )

    async def _everything(
        self, request: pb.VerifyChainsRequest
    ) -> AsyncGenerator[pb.VerifyChainsResponse, None]:
        """By processes of their own: answering calls is not to wait for it."""
        chains_only = request.depth == pb.VERIFICATION_DEPTH_CHAINS
        findings = 0
        last = Progress()
        verifying = self._verifiers.verify(
            depth=Depth.CHAINS if chains_only else Depth.STATES,
            kind=request.aggregate_kind,
            processes=request.processes,
        )
        # Whoever stops listening ends the processes at once.
        async with aclosing(verifying):
            async for last in verifying:
                findings += len(last.findings)
                yield _progress(last, findings)
        yield _progress(replace(last, findings=()), findings, complete=True)

    async def export_events(
        self, request: pb.ExportEventsRequest, call: Call
    ) -> AsyncGenerator[pb.ExportEventsResponse, None]:
        """Raises NotPermitted for all but operators and the system, NotFound for another's topic."""
        if not call.actor.has_role(Role.OPERATOR, Role.SYSTEM):
            text = BilingualText(zh="仅运维人员可导出事件摘要", en="only operators export")
            raise NotPermitted("ROLE_NOT_PERMITTED", text)
        kinds = frozenset(name for name, kind in self._kinds.items() if kind.topic == request.topic)
        if not kinds:
            raise NotFound("topic", request.topic)
        async for page in stored_digests(self._store, kinds, aggregate_id=request.aggregate_id):
            yield pb.ExportEventsResponse(events=page)
        yield pb.ExportEventsResponse(complete=True)

    async def _chosen(
        self, request: pb.VerifyChainsRequest, actor: Actor
    ) -> AsyncGenerator[VerifiedAggregate, None]:
        known_to = None if actor.has_role(Role.OPERATOR, Role.SYSTEM) else self._known_to
        if not request.aggregate_id:
            known = None if known_to is None else partial(_known, known_to, actor)
            async for verified in verify_store(
                self._store, self._kinds, kind=request.aggregate_kind, known=known, signed=self._signed
            ):
                yield verified
            return
        stream = await self._store.load(request.aggregate_id)
        if stream is None or not (known_to is None or await known_to(stream, actor)):
            raise NotFound("aggregate", request.aggregate_id)
        signed = await self._signed([stream.stream_id])
        yield await verify_aggregate(self._store, self._kinds, stream, signed.get(stream.stream_id, ()))


async def _known(known_to: KnownTo, actor: Actor, stream: StoredStream) -> bool:
    return await known_to(stream, actor)


def _progress(progress: Progress, findings_count: int, *, complete: bool = False) -> pb.VerifyChainsResponse:
    return pb.VerifyChainsResponse(
        aggregates_count=progress.aggregates_count,
        events_count=progress.events_count,
        findings_count=findings_count,
        findings=[_message(finding) for finding in progress.findings],
        aggregates_total=progress.aggregates_total,
        events_total=progress.events_total,
        complete=complete,
    )


def _message(finding: Finding) -> pb.Finding:
    return pb.Finding(
        aggregate_kind=finding.aggregate_kind,
        aggregate_id=finding.aggregate_id,
        version=finding.version,
        code=finding.code.value,
        description=finding.description,
    )
