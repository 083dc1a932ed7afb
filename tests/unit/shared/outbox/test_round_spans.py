"""What a relay sends: a span a message of a recorded trace, one a round, none for what did not arrive."""

from typing import Any

from services.shared.outbox.traced import RoundSpans
from services.shared.telemetry.tracer import LINKS_MAX, Tracer
from services.shared.telemetry.tracing import SpanKind, parse_traceparent
from tests.doubles.spans import Kept

TRACE, UNIT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
RECORDED, NOT_RECORDED = f"00-{TRACE}-{UNIT}-01", f"00-{TRACE}-{UNIT}-00"


def row(seq: int, traceparent: str = RECORDED) -> dict[str, Any]:
    return {
        "seq": seq, "topic": "t", "key": f"p/{seq}", "event_id": f"e-{seq}", "type": "Moved",
        "traceparent": traceparent,
    }  # fmt: skip


def spans() -> tuple[Kept, RoundSpans]:
    kept = Kept()
    return kept, RoundSpans(Tracer(kept, ratio=1.0))


def test_a_message_carries_the_span_of_its_sending() -> None:
    kept, it = spans()
    carried = parse_traceparent(it.traceparent(row(1), 4))
    it.end(acknowledged=[1], messages=1, error="")
    (span,) = kept.spans
    assert carried is not None and carried.span_id == span.context.span_id
    assert (span.name, span.kind) == ("send t", SpanKind.PRODUCER)
    assert (span.context.trace_id, span.context.parent_span_id) == (TRACE, UNIT)
    told = dict(span.attributes)
    assert (told["messaging.system"], told["messaging.destination.name"]) == ("kafka", "t")
    assert (told["messaging.destination.partition.id"], told["messaging.kafka.message.key"]) == ("4", "p/1")
    assert (told["messaging.message.id"], told["tierlink.event.type"]) == ("e-1", "Moved")


def test_a_message_that_is_sent_again_carries_the_same_bytes() -> None:
    carried = [RoundSpans(Tracer(Kept(), ratio=0.0)).traceparent(row(seq), 0) for seq in (1, 1, 2)]
    assert carried[0] == carried[1] != carried[2]


def test_what_is_not_recorded_carries_what_it_was_given_and_costs_no_span() -> None:
    kept, it = spans()
    assert it.traceparent(row(1, NOT_RECORDED), 0) == NOT_RECORDED
    assert it.traceparent(row(2, ""), 0) == ""
    it.end(acknowledged=[1, 2], messages=2, error="")
    assert kept.spans == []


def test_a_round_of_several_is_one_span_linked_to_each_of_theirs() -> None:
    kept, it = spans()
    carried = [it.traceparent(row(seq, RECORDED if seq < 3 else NOT_RECORDED), 0) for seq in range(1, 5)]
    it.end(acknowledged=[1, 2, 3, 4], messages=4, error="")
    *messages, batch = kept.spans
    assert len(messages) == 2
    assert (batch.name, batch.kind, batch.error) == ("send batch", SpanKind.CLIENT, "")
    assert batch.context.trace_id != TRACE and batch.context.parent_span_id == ""
    assert {link.traceparent for link in batch.links} == set(carried[:2])
    assert dict(batch.attributes)["messaging.batch.message_count"] == 4


def test_what_was_not_acknowledged_has_no_span_and_the_round_says_why() -> None:
    kept, it = spans()
    for seq in (1, 2):
        it.traceparent(row(seq), 0)
    it.end(acknowledged=[1], messages=2, error="KafkaTimeoutError")
    sent, batch = kept.spans
    assert dict(sent.attributes)["messaging.message.id"] == "e-1"
    assert batch.error == "KafkaTimeoutError" and len(batch.links) == 2


def test_one_that_failed_alone_is_told_by_its_round() -> None:
    kept, it = spans()
    it.traceparent(row(1), 0)
    it.end(acknowledged=[], messages=1, error="TimeoutError")
    assert [(span.name, span.error) for span in kept.spans] == [("send batch", "TimeoutError")]


def test_links_of_a_large_round_are_bounded() -> None:
    kept, it = spans()
    many = LINKS_MAX + 40
    for seq in range(many):
        it.traceparent(row(seq), 0)
    it.end(acknowledged=range(many), messages=many, error="")
    assert len(kept.spans[-1].links) == LINKS_MAX
    assert dict(kept.spans[-1].attributes)["messaging.batch.message_count"] == many
