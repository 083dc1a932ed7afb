"""Due deadlines begin traces of their own: the escalation of an alert, from the worker to the next call.

Each is linked to the unit of work that set it, so that a call can be followed through its alert to whoever is
called last; and where that unit is recorded, what comes of the deadline is.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from services.shared.deadlines.worker import DueDeadline, Fire
from services.shared.telemetry.log_context import log_fields, set_log_fields
from services.shared.telemetry.tracer import Tracer
from services.shared.telemetry.tracing import SpanKind, parse_traceparent

#: The trace context of the unit of work that set a deadline; empty where it is not known.
Origin = Callable[[DueDeadline], Awaitable[str]]


def traced(fire: Fire, tracer: Tracer, origin: Origin) -> Fire:
    """Has the command of a deadline, and all that comes of it, show in a trace, if that one is recorded."""

    async def fire_traced(due: DueDeadline) -> None:
        cause = parse_traceparent(await origin(due))
        links = () if cause is None or not cause.sampled else (cause,)
        span = tracer.first(f"deadline {due.kind}", SpanKind.INTERNAL, is_wanted=bool(links))
        if span is None:
            await fire(due)
            return
        outside = log_fields()
        set_log_fields({**outside, "trace_id": span.context.trace_id, "span_id": span.context.span_id})
        told = (("tierlink.aggregate", due.stream_id), ("tierlink.deadline", due.key))
        try:
            await fire(replace(due, traceparent=span.traceparent))
        except BaseException as error:
            span.end(error=type(error).__name__, attributes=told, links=links)
            raise
        finally:
            set_log_fields(outside)
        span.end(attributes=told, links=links)

    return fire_traced
