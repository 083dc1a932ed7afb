"""An event that is handled is a span below its sending; log lines carry it for that time alone."""

import pytest

from services.shared.eventstore.units import AppendStatus
from services.shared.inbox.handling import IGNORED, Answer
from services.shared.inbox.traced import traced
from services.shared.kafka.cloud_events import ConsumedEvent
from services.shared.telemetry.log_context import log_fields, set_log_fields
from services.shared.telemetry.tracer import Tracer
from services.shared.telemetry.tracing import SpanKind, parse_traceparent
from tests.doubles.parcel import NOW
from tests.doubles.spans import Kept

TRACE, SENDING = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def event(flags: str = "01") -> ConsumedEvent:
    return ConsumedEvent(
        topic="t", partition=3, offset=7, key="p/1", version=1, type="Moved", event_id="e-1", value=b"",
        recorded_at=NOW, traceparent=f"00-{TRACE}-{SENDING}-{flags}",
    )  # fmt: skip


async def test_the_handler_works_below_the_span_of_the_event() -> None:
    kept, seen = Kept(), list[tuple[str, dict[str, str]]]()

    async def handler(given: ConsumedEvent) -> Answer:
        seen.append((given.traceparent, dict(log_fields())))
        return AppendStatus.APPENDED

    set_log_fields({"service": "x"})
    answer = await traced(handler, Tracer(kept, ratio=0.0), "g")(event())
    assert answer is AppendStatus.APPENDED
    (span,) = kept.spans
    assert (span.name, span.kind) == ("process t", SpanKind.CONSUMER)
    assert (span.context.trace_id, span.context.parent_span_id) == (TRACE, SENDING)
    ((handed, fields),) = seen
    inside = parse_traceparent(handed)
    assert inside is not None and (inside.trace_id, inside.span_id) == (TRACE, span.context.span_id)
    assert fields == {"service": "x", "trace_id": TRACE, "span_id": span.context.span_id}
    assert log_fields() == {"service": "x"}
    assert dict(span.attributes) == {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "t",
        "messaging.destination.partition.id": "3",
        "messaging.kafka.offset": 7,
        "messaging.kafka.message.key": "p/1",
        "messaging.message.id": "e-1",
        "messaging.consumer.group.name": "g",
        "tierlink.event.type": "Moved",
        "tierlink.inbox.answer": "APPENDED",
    }


async def test_a_try_that_fails_is_a_span_that_failed_and_fails_on() -> None:
    kept = Kept()

    async def handler(_given: ConsumedEvent) -> Answer:
        raise ValueError("the event's own fault")

    with pytest.raises(ValueError, match="own fault"):
        await traced(handler, Tracer(kept, ratio=0.0), "g")(event())
    assert [span.error for span in kept.spans] == ["ValueError"]
    assert "trace_id" not in log_fields()


async def test_an_event_of_no_recorded_trace_comes_as_it_is() -> None:
    kept, came = Kept(), event("00")

    async def handler(given: ConsumedEvent) -> Answer:
        assert given is came
        return IGNORED

    assert await traced(handler, Tracer(kept, ratio=1.0), "g")(came) is IGNORED
    assert kept.spans == []
