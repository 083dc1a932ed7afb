"""A runner whose units of work show in traces, for processes that record them."""

from dataclasses import replace
from typing import Any, TypeVar

from services.shared.eventstore.aggregate import AggregateKind
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.store import EventStore
from services.shared.eventstore.units import AppendStatus, InboxMark
from services.shared.eventstore.work import Reaction, Reply, UseCase, Work
from services.shared.kernel.command import CommandContext
from services.shared.kernel.refusals import DependencyDown, Overloaded, Refused
from services.shared.telemetry.tracer import OpenSpan, Tracer
from services.shared.telemetry.tracing import Attributes, SpanKind

S = TypeVar("S")

#: Events and aggregates of one unit that its span names.
_NAMED_MAX = 16


class TracedRunner(CommandRunner):
    """What a unit writes carries the span of the unit, so what is published of it goes on from there."""

    def __init__(self, store: EventStore, tracer: Tracer) -> None:
        super().__init__(store)
        self._tracer = tracer

    async def run(
        self,
        use_case: UseCase[S],
        context: CommandContext,
        *,
        kind: AggregateKind[S, Any],
        target: str,
        digest: bytes,
    ) -> Reply[S]:
        """As `CommandRunner.run`."""
        span = self._tracer.below(context.traceparent, f"append {kind.name}", SpanKind.INTERNAL)
        if span is None:
            return await super().run(use_case, context, kind=kind, target=target, digest=digest)
        tries: list[Work] = []

        async def observed(work: Work) -> Reply[S]:
            tries.append(work)
            return await use_case(work)

        inside = replace(context, traceparent=span.traceparent)
        try:
            reply = await super().run(observed, inside, kind=kind, target=target, digest=digest)
        except BaseException as error:
            _failed(span, error, tries)
            raise
        written = () if reply.repeated else _written(tries)
        span.end(attributes=(("tierlink.unit.tries", len(tries)), *written))
        return reply

    async def react(
        self, reaction: Reaction, context: CommandContext, *, target: str, inbox: InboxMark | None
    ) -> AppendStatus:
        """As `CommandRunner.react`. A unit that writes no event leaves no span."""
        span = self._tracer.below(context.traceparent, "append", SpanKind.INTERNAL)
        if span is None:
            return await super().react(reaction, context, target=target, inbox=inbox)
        tries: list[Work] = []

        async def observed(work: Work) -> None:
            tries.append(work)
            await reaction(work)

        inside = replace(context, traceparent=span.traceparent)
        try:
            status = await super().react(observed, inside, target=target, inbox=inbox)
        except BaseException as error:
            _failed(span, error, tries)
            raise
        written = _written(tries) if status is AppendStatus.APPENDED else ()
        if written:
            span.end(
                name=f"append {tries[-1].kinds()[0]}",
                attributes=(("tierlink.unit.tries", len(tries)), *written),
            )
        return status


def _written(tries: list[Work]) -> Attributes:
    """What the last try wrote."""
    events = tries[-1].event_types() if tries else ()
    if not events:
        return ()
    return (
        ("tierlink.events", events[:_NAMED_MAX]),
        ("tierlink.aggregates", tries[-1].depended_on()[:_NAMED_MAX]),
    )


def _failed(span: OpenSpan, error: BaseException, tries: list[Work]) -> None:
    """A refusal is an answer; what a dependency or the program did wrong is an error."""
    name = type(error).__name__
    refused = isinstance(error, Refused) and not isinstance(error, DependencyDown | Overloaded)
    told: Attributes = (("tierlink.unit.tries", len(tries)),)
    if refused:
        span.end(attributes=(*told, ("tierlink.refusal", name)))
    else:
        span.end(error=name, attributes=told)
