"""Due deadlines begin traces of their own: the escalation of an alert, from the worker to the next call."""

from dataclasses import replace

from services.shared.deadlines.worker import DueDeadline, Fire
from services.shared.telemetry.log_context import log_fields, set_log_fields
from services.shared.telemetry.tracer import Tracer
from services.shared.telemetry.tracing import SpanKind


def traced(fire: Fire, tracer: Tracer) -> Fire:
    """Has the command of a deadline, and all that comes of it, show in a trace, if that one is chosen."""

    async def fire_traced(due: DueDeadline) -> None:
        span = tracer.first(f"deadline {due.kind}", SpanKind.INTERNAL)
        if span is None:
            await fire(due)
            return
        outside = log_fields()
        set_log_fields({**outside, "trace_id": span.context.trace_id, "span_id": span.context.span_id})
        told = (("tierlink.aggregate", due.stream_id), ("tierlink.deadline", due.key))
        try:
            await fire(replace(due, traceparent=span.traceparent))
        except BaseException as error:
            span.end(error=type(error).__name__, attributes=told)
            raise
        finally:
            set_log_fields(outside)
        span.end(attributes=told)

    return fire_traced
