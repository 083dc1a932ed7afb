"""Which traces are recorded, and where spans hang."""

import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.shared.telemetry.tracer import LINKS_MAX, Tracer
from services.shared.telemetry.tracing import FinishedSpan, SpanKind, is_chosen, parse_traceparent
from tests.doubles.spans import Kept

CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"


@pytest.fixture(autouse=True)
def same_ids() -> Iterator[None]:
    before = random.getstate()
    random.seed(56)
    yield
    random.setstate(before)


def test_a_caller_decides_for_its_trace_whatever_the_ratio() -> None:
    for ratio in (0.0, 1.0):
        tracer = Tracer(Kept(), ratio=ratio)
        assert tracer.begin(f"{CALLER}-01").sampled
        assert not tracer.begin(f"{CALLER}-00").sampled


def test_a_site_may_record_a_share_of_what_callers_ask_for_and_its_services_agree() -> None:
    headers = [f"00-{random.getrandbits(128):032x}-00f067aa0ba902b7-01" for _ in range(2_000)]
    first, second = (Tracer(Kept(), ratio=ratio, callers_ratio=0.25) for ratio in (0.0, 0.1))
    chosen = [first.begin(header) for header in headers]
    assert 400 < sum(each.sampled for each in chosen) < 600
    assert [second.begin(header).sampled for header in headers] == [each.sampled for each in chosen]
    assert all(each.trace_id in header for each, header in zip(chosen, headers, strict=True))
    none = Tracer(Kept(), ratio=0.0, callers_ratio=0.0)
    assert not any(none.begin(header).sampled for header in headers)


def test_a_site_records_no_less_of_its_callers_traces_than_of_its_own() -> None:
    begins, goes_on = Tracer(Kept(), ratio=0.5), Tracer(Kept(), ratio=0.5, callers_ratio=0.1)
    own = [context for context in (begins.begin("") for _ in range(200)) if context.sampled]
    assert own
    assert all(goes_on.begin(context.traceparent).sampled for context in own)


def test_the_ratio_is_the_share_of_the_traces_that_begin_here() -> None:
    tracer = Tracer(Kept(), ratio=0.25)
    chosen = sum(tracer.begin("").sampled for _ in range(4_000))
    assert 850 < chosen < 1_150
    assert not any(Tracer(Kept(), ratio=0.0).begin("").sampled for _ in range(100))
    assert all(Tracer(Kept(), ratio=1.0).begin("").sampled for _ in range(100))


@given(st.integers(1, 2**128 - 1), st.floats(0, 1), st.floats(0, 1))
def test_what_a_smaller_share_has_a_larger_one_has_too(trace: int, one: float, other: float) -> None:
    less, more = sorted((one, other))
    assert not is_chosen(f"{trace:032x}", less) or is_chosen(f"{trace:032x}", more)


def test_a_trace_is_chosen_as_opentelemetry_chooses() -> None:
    sampling = pytest.importorskip("opentelemetry.sdk.trace.sampling")
    for number in range(200):
        trace = random.getrandbits(128)
        theirs = sampling.TraceIdRatioBased(number / 200).should_sample(None, trace, "").decision
        assert is_chosen(f"{trace:032x}", number / 200) == theirs.is_sampled()


def test_nothing_but_a_recorded_trace_is_gone_on_with() -> None:
    tracer = Tracer(Kept(), ratio=1.0)
    for handed in ("", "nonsense", f"{CALLER}-00"):
        assert tracer.below(handed, "append", SpanKind.INTERNAL) is None


def test_a_span_lies_below_what_caused_it_and_its_work_below_it() -> None:
    kept = Kept()
    tracer = Tracer(kept, ratio=0.0)
    span = tracer.below(f"{CALLER}-01", "process t", SpanKind.CONSUMER)
    assert span is not None
    inner = tracer.below(span.traceparent, "append", SpanKind.INTERNAL)
    assert inner is not None
    inner.end(name="append parcel", error="Broken")
    span.end()
    low, high = kept.spans
    assert (high.context.trace_id, high.context.parent_span_id) == (CALLER[3:35], CALLER[36:])
    assert (low.context.trace_id, low.context.parent_span_id) == (CALLER[3:35], high.context.span_id)
    assert (low.name, low.kind, low.error) == ("append parcel", SpanKind.INTERNAL, "Broken")
    assert high.started_ns <= low.started_ns <= low.ended_ns <= high.ended_ns


def test_a_span_ends_after_it_began_though_the_clock_jumps(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept()
    span = Tracer(kept, ratio=1.0).first("deadline alert", SpanKind.INTERNAL)
    assert span is not None
    monkeypatch.setattr("time.time_ns", lambda: 0)
    span.end()
    assert kept.spans[0].ended_ns >= kept.spans[0].started_ns > 0


def test_work_does_not_begin_before_what_caused_it_though_the_clock_is_set_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = Kept()
    tracer = Tracer(kept, ratio=1.0)
    before = tracer.first("process t", SpanKind.CONSUMER)
    assert before is not None
    monkeypatch.setattr("time.time_ns", lambda: 0)
    after = tracer.below(before.traceparent, "append", SpanKind.INTERNAL)
    assert after is not None
    after.end()
    before.end()
    low, high = kept.spans
    assert 0 < high.started_ns <= low.started_ns <= low.ended_ns <= high.ended_ns


def test_links_are_bounded() -> None:
    kept = Kept()
    tracer = Tracer(kept, ratio=0.0)
    parent = parse_traceparent(f"{CALLER}-01")
    assert parent is not None
    tracer.apart("send batch", SpanKind.CLIENT).end(links=(parent,) * (LINKS_MAX + 1))
    assert len(kept.spans[0].links) == LINKS_MAX
    assert kept.spans[0].context.trace_id != parent.trace_id


def test_what_is_not_recorded_reaches_no_recorder() -> None:
    kept = Kept()
    tracer = Tracer(kept, ratio=0.0)
    call = FinishedSpan(name="a/b", kind=SpanKind.SERVER, context=tracer.begin(""), started_ns=1, ended_ns=2)
    tracer.record(call)
    assert tracer.first("deadline alert", SpanKind.INTERNAL) is None
    assert kept.spans == []
