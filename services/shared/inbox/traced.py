"""Each event that is handled is a span below the one that published it; what it causes lies below that."""

from dataclasses import replace

from services.shared.inbox.handling import Answer, Handler
from services.shared.kafka.cloud_events import ConsumedEvent
from services.shared.telemetry.log_context import log_fields, set_log_fields
from services.shared.telemetry.messaging import consumed
from services.shared.telemetry.tracer import Tracer
from services.shared.telemetry.tracing import SpanKind


def traced(handler: Handler, tracer: Tracer, group: str) -> Handler:
    """Has every event of a recorded trace handled under a span of its own, each try under another."""

    async def handle_traced(event: ConsumedEvent) -> Answer:
        span = tracer.below(event.traceparent, f"process {event.topic}", SpanKind.CONSUMER)
        if span is None:
            return await handler(event)
        outside = log_fields()
        set_log_fields({**outside, "trace_id": span.context.trace_id, "span_id": span.context.span_id})
        told = (
            *consumed(
                topic=event.topic,
                partition=event.partition,
                offset=event.offset,
                key=event.key,
                event_id=event.event_id,
                type_=event.type,
            ),
            ("messaging.consumer.group.name", group),
        )
        try:
            answer = await handler(replace(event, traceparent=span.traceparent))
        except BaseException as error:
            span.end(error=type(error).__name__, attributes=told)
            raise
        finally:
            set_log_fields(outside)
        span.end(attributes=(*told, ("tierlink.inbox.answer", answer.name)))
        return answer

    return handle_traced
