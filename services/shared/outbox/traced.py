"""The spans of what a relay sends: one a message of a recorded trace, and one over all of a round."""

from collections.abc import Collection
from hashlib import blake2b
from typing import Any

from services.shared.telemetry.messaging import sent, sent_together
from services.shared.telemetry.tracer import LINKS_MAX, OpenSpan, Tracer
from services.shared.telemetry.tracing import Attributes, SpanKind


class RoundSpans:
    """Of one call of `publish`. A message that is not acknowledged is sent again, and then has its span."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._messages: dict[int, tuple[OpenSpan, Attributes]] = {}
        self._round: OpenSpan | None = None

    def traceparent(self, row: Any, partition: int) -> str:
        """What the record carries: the span of its sending, or what the row has."""
        topic, handed = row["topic"], row["traceparent"]
        span = self._tracer.below(
            handed, f"send {topic}", SpanKind.PRODUCER, span_bits=_span_bits(row["event_id"])
        )
        if span is None:
            return str(handed)
        if self._round is None:
            self._round = self._tracer.apart("send batch", SpanKind.CLIENT)
        told = sent(
            topic=topic,
            partition=partition,
            key=row["key"],
            event_id=row["event_id"],
            type_=row["type"],
        )
        self._messages[row["seq"]] = (span, told)
        return span.traceparent

    def end(self, *, acknowledged: Collection[int], messages: int, error: str) -> None:
        """Ends the spans of what was acknowledged, and that of the round of `messages`.

        A round of one message that went well is that message's span and nothing more.
        """
        if self._round is None:
            return
        done = frozenset(acknowledged)
        for sequence, (span, told) in self._messages.items():
            if sequence in done:
                span.end(attributes=told)
        if messages > 1 or error:
            spans = tuple(span.context for span, _ in self._messages.values())
            self._round.end(error=error, attributes=sent_together(messages), links=spans[:LINKS_MAX])


def _span_bits(event_id: str) -> int:
    """The same whenever the event is sent: one that stands in Kafka twice must not look like two."""
    return int.from_bytes(blake2b(event_id.encode(), digest_size=8).digest())
