"""Spans as the OpenTelemetry library gets them.

The library is an extra, so a double of its few names stands in; that the real one takes the same calls was
tried with opentelemetry-sdk 1.45.
"""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from services.shared.telemetry.span_export import OpenTelemetryRecorder
from services.shared.telemetry.tracing import FinishedSpan, continue_trace

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"


class Processor:
    """What BatchSpanProcessor does as far as a recorder sees."""

    def __init__(self, exporter: list[Any], max_queue_size: int) -> None:
        self.exporter = exporter
        assert max_queue_size > 0

    def on_end(self, span: Any) -> None:
        self.exporter.append(span)

    def shutdown(self) -> None:
        self.exporter.append("shut down")


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    def module(name: str, **names: Any) -> None:
        made = ModuleType(name)
        vars(made).update(names)
        monkeypatch.setitem(sys.modules, name, made)

    class TraceFlags(int):
        SAMPLED = 1

    def namespace(**names: Any) -> Any:
        return SimpleNamespace(**names)

    module(
        "opentelemetry.trace",
        SpanContext=namespace,
        TraceFlags=TraceFlags,
        SpanKind=SimpleNamespace(SERVER="server"),
        Status=lambda code: code,
        StatusCode=SimpleNamespace(OK="ok", ERROR="error"),
    )
    module("opentelemetry.sdk.trace", ReadableSpan=namespace)
    module("opentelemetry.sdk.resources", Resource=SimpleNamespace(create=lambda attributes: attributes))
    module("opentelemetry.sdk.trace.export", BatchSpanProcessor=Processor)


def finished(header: str, *, succeeded: bool = True) -> FinishedSpan:
    return FinishedSpan(
        name="package.Service/Method",
        context=continue_trace(header, random_bits=0xABC),
        started_ns=1_000,
        ended_ns=2_000,
        succeeded=succeeded,
        attributes=(("rpc.system", "grpc"),),
    )


def test_a_sampled_span_is_exported_under_its_parent(library: None) -> None:
    exported: list[Any] = []
    recorder = OpenTelemetryRecorder(service="referral", exporter=exported)
    recorder.record(finished(f"{PARENT}-01", succeeded=False))
    recorder.close()
    span, end = exported
    assert end == "shut down"
    assert (span.name, span.kind, span.status) == ("package.Service/Method", "server", "error")
    assert (span.start_time, span.end_time) == (1_000, 2_000)
    assert span.context.trace_id == span.parent.trace_id == 0x4BF92F3577B34DA6A3CE929D0E0E4736
    assert (span.context.span_id, span.context.is_remote) == (0xABC, False)
    assert (span.parent.span_id, span.parent.is_remote) == (0x00F067AA0BA902B7, True)
    assert span.attributes == {"rpc.system": "grpc"}
    assert span.resource == {"service.name": "referral"}


def test_what_is_not_sampled_is_not_exported(library: None) -> None:
    exported: list[Any] = []
    OpenTelemetryRecorder(service="referral", exporter=exported).record(finished(f"{PARENT}-00"))
    assert exported == []


def test_the_first_span_of_a_trace_has_no_parent(library: None) -> None:
    exported: list[Any] = []
    recorder = OpenTelemetryRecorder(service="referral", exporter=exported)
    first = FinishedSpan(
        name="a/b",
        context=continue_trace("", random_bits=7, sample_new=True),
        started_ns=1,
        ended_ns=2,
        succeeded=True,
    )
    recorder.record(first)
    assert exported[0].parent is None
    assert exported[0].status == "ok"
