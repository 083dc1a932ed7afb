"""Begins and ends the spans of one process.

A trace begins with a call or a due deadline; everything else goes on with the trace that it is handed, if
that one is recorded. Where a site records no traces there is no tracer, and nothing here is asked.
"""

import random
import time
from dataclasses import replace
from typing import Final

from services.shared.telemetry.tracing import (
    TRACE_BITS,
    Attributes,
    FinishedSpan,
    SpanKind,
    SpanRecorder,
    TraceContext,
    continue_trace,
    is_chosen,
    parse_traceparent,
)

#: Links of one span; more are left out, and its attributes say of how many messages it is the work.
LINKS_MAX = 128


def _apart_ns() -> int:
    """What the counter lacks to the time of day, by the reading that was disturbed least."""
    readings = []
    for _ in range(8):
        before_ns, of_day_ns, after_ns = time.perf_counter_ns(), time.time_ns(), time.perf_counter_ns()
        readings.append((after_ns - before_ns, of_day_ns - (before_ns + after_ns) // 2))
    return min(readings)[1]


_APART_NS: Final = _apart_ns()


def moment_ns(counter_ns: int) -> int:
    """The time of day when `time.perf_counter_ns` said this.

    All spans of a process go by it: what was begun later never seems earlier, whatever is done to the clock.
    `DAY_CLOCK` is not it: that follows the database and may be put right between a span's two ends.
    """
    return _APART_NS + counter_ns


class OpenSpan:
    """A piece of work under way, of a trace that is recorded."""

    __slots__ = ("_began_ns", "_kind", "_name", "_recorder", "context")

    def __init__(self, recorder: SpanRecorder, name: str, kind: SpanKind, context: TraceContext) -> None:
        self._recorder = recorder
        self._name = name
        self._kind = kind
        self.context = context
        self._began_ns = time.perf_counter_ns()

    @property
    def traceparent(self) -> str:
        """What is handed to the work that this span causes."""
        return self.context.traceparent

    def end(
        self,
        *,
        name: str = "",
        error: str = "",
        attributes: Attributes = (),
        links: tuple[TraceContext, ...] = (),
    ) -> None:
        """Hands the span to the recorder. `name` is what turned out to be the better one."""
        self._recorder.record(
            FinishedSpan(
                name=name or self._name,
                kind=self._kind,
                context=self.context,
                started_ns=moment_ns(self._began_ns),
                ended_ns=moment_ns(time.perf_counter_ns()),
                error=error,
                attributes=attributes,
                links=links[:LINKS_MAX],
            )
        )


class Tracer:
    """Draws ids, decides which traces are recorded, and hands finished spans to a recorder."""

    def __init__(self, recorder: SpanRecorder, *, ratio: float, callers_ratio: float = 1.0) -> None:
        """`ratio` is the share of the traces beginning here that is recorded.

        `callers_ratio` is the share of those that callers want recorded that is; never below `ratio`.
        """
        self._recorder = recorder
        self._ratio = ratio
        self._callers_ratio = max(ratio, callers_ratio)

    def begin(self, traceparent: str) -> TraceContext:
        """The span of a call: below the one that the caller names, or the first of a trace."""
        # Ids of spans need not be secret, only unlikely to collide: the cheap generator does.
        bits = random.getrandbits(TRACE_BITS)
        # The id of the trace to be is the upper half of the bits, as `continue_trace` takes it.
        context = continue_trace(
            traceparent, random_bits=bits, sample_new=is_chosen(f"{bits >> 64:032x}", self._ratio)
        )
        # By its id, as those that begin here: every service that the trace comes to decides alike.
        if (
            context.sampled
            and context.parent_span_id
            and not is_chosen(context.trace_id, self._callers_ratio)
        ):
            return replace(context, sampled=False)
        return context

    def record(self, span: FinishedSpan) -> None:
        """Hands a span on, if its trace is recorded."""
        if span.context.sampled:
            self._recorder.record(span)

    def first(self, name: str, kind: SpanKind, *, is_wanted: bool = False) -> OpenSpan | None:
        """The first span of a new trace; None when this one is not recorded.

        One that `is_wanted` is recorded, as what it is linked to.
        """
        if is_wanted:
            return self.apart(name, kind)
        context = self.begin("")
        return OpenSpan(self._recorder, name, kind, context) if context.sampled else None

    def below(
        self, traceparent: str, name: str, kind: SpanKind, *, span_bits: int | None = None
    ) -> OpenSpan | None:
        """A span below another one; None when there is none, or its trace is not recorded.

        `span_bits` are the 64 bits of its id, for work that is to have the same one when it is done again.
        """
        parent = parse_traceparent(traceparent)
        if parent is None or not parent.sampled:
            return None
        bits = random.getrandbits(TRACE_BITS) if span_bits is None else span_bits
        return OpenSpan(self._recorder, name, kind, continue_trace(traceparent, random_bits=bits))

    def apart(self, name: str, kind: SpanKind) -> OpenSpan:
        """The only span of a trace of its own, recorded since it is linked to spans that are."""
        context = continue_trace("", random_bits=random.getrandbits(TRACE_BITS), sample_new=True)
        return OpenSpan(self._recorder, name, kind, context)
