"""What is written to watch streams, in traces: the last step from a command to a screen."""

from collections import OrderedDict

from services.shared.kafka.cloud_events import ConsumedEvent
from services.shared.telemetry.messaging import consumed
from services.shared.telemetry.tracer import OpenSpan, Tracer
from services.shared.telemetry.tracing import SpanKind, parse_traceparent

#: Streams of a process that get a span for one event; at a centre hundreds are told of the same one.
STREAMS_MAX = 8
#: Events whose streams are counted.
_EVENTS_MAX = 1_000


class StreamSpans:
    """The spans of one process's watch streams, a bounded number for each event."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._streams: OrderedDict[str, int] = OrderedDict()

    def begin(self, event: ConsumedEvent) -> OpenSpan | None:
        """None where the event's trace is not recorded, or enough streams of it are."""
        span = self._tracer.below(event.traceparent, f"deliver {event.topic}", SpanKind.CONSUMER)
        if span is None:
            return None
        streams = self._streams.get(event.event_id, 0)
        if streams >= STREAMS_MAX:
            return None
        self._streams[event.event_id] = streams + 1
        while len(self._streams) > _EVENTS_MAX:
            self._streams.popitem(last=False)
        return span

    def end(self, span: OpenSpan, event: ConsumedEvent, stream: str) -> None:
        """The reader has taken the message. `stream` is the trace context of the call that reads: linked
        where it is recorded too.
        """
        reader = parse_traceparent(stream)
        span.end(
            attributes=consumed(
                operation="deliver",
                topic=event.topic,
                partition=event.partition,
                offset=event.offset,
                key=event.key,
                event_id=event.event_id,
                type_=event.type,
            ),
            links=(reader,) if reader is not None and reader.sampled else (),
        )
