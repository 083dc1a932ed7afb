"""The stream worker in traces: a bed's event, the sums that it changes, and the line that says so."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from services.shared.telemetry.messaging import consumed
from services.shared.telemetry.tracer import Tracer
from services.shared.telemetry.tracing import SpanKind

_HEADER = "traceparent"


class AvailabilitySpans:
    """Of one worker. Without a tracer nothing is drawn, and nothing handed on."""

    def __init__(self, tracer: Tracer | None, group: str) -> None:
        self._tracer = tracer
        self._group = group

    @contextmanager
    def handling(self, event: Any) -> Iterator[str]:
        """A record of faust's is handled in the block; what its work hands on, if that is recorded."""
        span = None
        if self._tracer is not None:
            topic = event.message.topic
            span = self._tracer.below(_told(event, _HEADER), f"process {topic}", SpanKind.CONSUMER)
        if span is None:
            yield ""
            return
        told = (
            *consumed(
                topic=event.message.topic,
                partition=event.message.partition,
                offset=event.message.offset,
                key=(event.message.key or b"").decode(errors="replace"),
                event_id=_told(event, "ce_id"),
                type_=_told(event, "ce_type"),
            ),
            ("messaging.consumer.group.name", self._group),
        )
        try:
            yield span.traceparent
        except BaseException as error:
            span.end(error=type(error).__name__, attributes=told)
            raise
        span.end(attributes=told)

    @contextmanager
    def sending(self, topic: str, traceparent: str) -> Iterator[str]:
        """A record is handed to the producer in the block; what the record carries."""
        span = None
        if self._tracer is not None:
            span = self._tracer.below(traceparent, f"send {topic}", SpanKind.PRODUCER)
        if span is None:
            yield ""
            return
        yield span.traceparent
        span.end(attributes=(("messaging.system", "kafka"), ("messaging.destination.name", topic)))


def carrying(traceparent: str) -> Mapping[str, bytes] | None:
    """Headers of a record that only this worker reads."""
    return {_HEADER: traceparent.encode()} if traceparent else None


def _told(event: Any, name: str) -> str:
    value: bytes = event.headers.get(name, b"")
    return value.decode(errors="replace")
