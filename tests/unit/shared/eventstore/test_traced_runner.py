"""A unit of work is a span, and what it writes goes on from there; what it does is what the runner does."""

from dataclasses import replace

import pytest

from services.shared.eventstore.traced_runner import TracedRunner
from services.shared.eventstore.units import AppendStatus, InboxMark
from services.shared.eventstore.work import Reply, Work
from services.shared.kernel.command import CommandContext
from services.shared.kernel.refusals import DependencyDown, NotFound
from services.shared.telemetry.tracer import Tracer
from services.shared.telemetry.tracing import SpanKind, parse_traceparent
from tests.doubles.memory_store import MemoryEventStore
from tests.doubles.parcel import PARCEL, Moved, Parcel, context
from tests.doubles.spans import Kept

TRACE, CALL = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
MARK = InboxMark(source="topic", aggregate_id="x", version=1)


def called(request: str, flags: str = "01") -> CommandContext:
    return replace(context(request), traceparent=f"00-{TRACE}-{CALL}-{flags}")


class Site:
    def __init__(self) -> None:
        self.kept = Kept()
        self.store = MemoryEventStore()
        self.runner = TracedRunner(self.store, Tracer(self.kept, ratio=1.0))

    async def move(self, at: CommandContext, *, refusal: Exception | None = None) -> Reply[Parcel]:
        async def use_case(work: Work) -> Reply[Parcel]:
            await work.load(PARCEL, "p/1")
            if refusal is not None:
                raise refusal
            await work.record(PARCEL, "p/1", [Moved(to="road"), Moved(to="hill")])
            return work.reply(PARCEL, "p/1")

        return await self.runner.run(use_case, at, kind=PARCEL, target="p/1", digest=b"d")

    async def follow(self, at: CommandContext, *, to: str = "road") -> AppendStatus:
        async def reaction(work: Work) -> None:
            await work.load(PARCEL, "p/1")
            if to:
                await work.record(PARCEL, "p/1", [Moved(to=to)])

        return await self.runner.react(reaction, at, target="p/1", inbox=MARK)


async def test_a_commands_unit_is_a_span_and_what_it_publishes_names_it() -> None:
    site = Site()
    await site.move(called("r1"))
    (span,) = site.kept.spans
    assert (span.name, span.kind, span.error) == ("append parcel", SpanKind.INTERNAL, "")
    assert (span.context.trace_id, span.context.parent_span_id) == (TRACE, CALL)
    told = dict(span.attributes)
    assert told["tierlink.events"] == ("Moved", "Moved")
    assert told["tierlink.aggregates"] == ("p/1",)
    assert told["tierlink.unit.tries"] == 1
    carried = {parse_traceparent(message.traceparent) for message in site.store.messages}
    assert [(each.trace_id, each.span_id) for each in carried if each] == [(TRACE, span.context.span_id)]


async def test_what_is_not_recorded_is_left_as_it_was() -> None:
    site = Site()
    await site.move(called("r1", flags="00"))
    await site.follow(context("e1"), to="hill")
    assert site.kept.spans == []
    assert [message.traceparent for message in site.store.messages] == [
        *[f"00-{TRACE}-{CALL}-00"] * 2,
        context("e1").traceparent,
    ]


async def test_a_repeated_request_writes_nothing_and_says_so() -> None:
    site = Site()
    first = await site.move(called("r1"))
    again = await site.move(called("r1"))
    assert again.repeated and again.state == first.state
    assert "tierlink.events" not in dict(site.kept.spans[-1].attributes)


async def test_a_refusal_is_no_error_and_a_dependency_that_is_away_is_one() -> None:
    site = Site()
    for refusal in (NotFound("Parcel", "p/1"), DependencyDown("postgresql", "away"), ValueError("a fault")):
        with pytest.raises(type(refusal)):
            await site.move(called("r1"), refusal=refusal)
    assert [span.error for span in site.kept.spans] == ["", "DependencyDown", "ValueError"]
    assert dict(site.kept.spans[0].attributes)["tierlink.refusal"] == "NotFound"


async def test_a_reaction_is_named_by_what_it_changes_and_leaves_no_span_where_it_changes_nothing() -> None:
    site = Site()
    assert await site.follow(called("e1")) is AppendStatus.APPENDED
    (span,) = site.kept.spans
    assert (span.name, dict(span.attributes)["tierlink.events"]) == ("append parcel", ("Moved",))
    assert await site.follow(called("e1")) is AppendStatus.SEEN
    nothing = Site()
    assert await nothing.follow(called("e2"), to="") is AppendStatus.APPENDED
    assert len(site.kept.spans) == 1 and nothing.kept.spans == []
