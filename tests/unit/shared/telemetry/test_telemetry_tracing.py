"""Trace context by the W3C rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.shared.telemetry.tracing import TRACE_BITS, TraceContext, continue_trace, parse_traceparent

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{SPAN}-01"


def test_a_good_header() -> None:
    assert parse_traceparent(GOOD) == TraceContext(
        trace_id=TRACE, span_id=SPAN, parent_span_id="", sampled=True
    )


@pytest.mark.parametrize(("flags", "sampled"), [("00", False), ("01", True), ("02", False), ("ff", True)])
def test_only_the_lowest_flag_samples(flags: str, sampled: bool) -> None:
    parsed = parse_traceparent(f"00-{TRACE}-{SPAN}-{flags}")
    assert parsed is not None and parsed.sampled is sampled


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00",
        GOOD[:-1],
        GOOD.upper(),
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"{GOOD}-more",
        f"{GOOD}\n",
        f" {GOOD}",
        f"00-{TRACE}-{SPAN}-0g",
        f"cc-{TRACE}-{SPAN}-01.more",
        f"cc-{TRACE}-{SPAN}-01-{'x' * 300}",
    ],
)
def test_headers_that_name_nothing(header: str) -> None:
    assert parse_traceparent(header) is None


def test_a_later_version_is_read_by_its_first_parts() -> None:
    parsed = parse_traceparent(f"cc-{TRACE}-{SPAN}-01-what-comes-next")
    assert parsed is not None and parsed.traceparent == GOOD


@given(st.integers(0, 2**TRACE_BITS - 1), st.booleans())
def test_a_new_trace_is_always_valid(bits: int, sample: bool) -> None:
    trace = continue_trace("", random_bits=bits, sample_new=sample)
    assert parse_traceparent(trace.traceparent) is not None
    assert trace.sampled is sample
    assert trace.parent_span_id == ""


@given(st.integers(0, 2**TRACE_BITS - 1), st.sampled_from(["00", "01"]), st.booleans())
def test_a_child_keeps_its_trace_and_its_sampling(bits: int, flags: str, sample_new: bool) -> None:
    child = continue_trace(f"00-{TRACE}-{SPAN}-{flags}", random_bits=bits, sample_new=sample_new)
    assert (child.trace_id, child.parent_span_id, child.sampled) == (TRACE, SPAN, flags == "01")
    assert parse_traceparent(child.traceparent) is not None


def test_bits_make_different_ids() -> None:
    spans = {continue_trace(GOOD, random_bits=bits).span_id for bits in range(1, 50)}
    assert len(spans) == 49
    traces = {continue_trace("", random_bits=bits << 64).trace_id for bits in range(1, 50)}
    assert len(traces) == 49


@given(st.text(max_size=300))
def test_any_text_is_read_without_an_error(header: str) -> None:
    parse_traceparent(header)
