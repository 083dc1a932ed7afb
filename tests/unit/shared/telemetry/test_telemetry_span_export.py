"""Spans as the OpenTelemetry library gets them, what becomes of them, and what a dead collector may cost."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind as TheirKind
from opentelemetry.trace import StatusCode
from prometheus_client import CollectorRegistry

from services.shared.telemetry.span_export import (
    CLOSE_S,
    OpenTelemetryRecorder,
    SpanMetrics,
    TracingUnavailableError,
    otlp_recorder,
)
from services.shared.telemetry.tracing import FinishedSpan, SpanKind, continue_trace

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"
BOUND_S = 0.3
#: What closing may take beyond its own bound on a busy machine.
SLACK_S = 4.0


class Exporter(SpanExporter):
    """Keeps what it is given; `answer` decides what it says, and may take its time until it is shut down."""

    def __init__(self, answer: Callable[["Exporter"], SpanExportResult]) -> None:
        self.spans: list[Any] = []
        self.is_shut_down = threading.Event()
        self.is_asked = threading.Event()
        self._answer = answer

    def export(self, spans: Sequence[Any]) -> SpanExportResult:
        self.spans.extend(spans)
        self.is_asked.set()
        return self._answer(self)

    def shutdown(self) -> None:
        self.is_shut_down.set()


def takes(_exporter: Exporter) -> SpanExportResult:
    return SpanExportResult.SUCCESS


def hangs(exporter: Exporter) -> SpanExportResult:
    exporter.is_shut_down.wait(60)
    return SpanExportResult.FAILURE


def raises(_exporter: Exporter) -> SpanExportResult:
    raise ConnectionError("no collector")


class Recording:
    """A recorder with its exporter and its figures."""

    def __init__(self, answer: Callable[[Exporter], SpanExportResult], *, queue_spans_max: int = 100) -> None:
        self.registry = CollectorRegistry()
        self.exporter = Exporter(answer)
        self.recorder = OpenTelemetryRecorder(
            service="referral",
            version="1.2",
            exporter=self.exporter,
            metrics=SpanMetrics(self.registry),
            queue_spans_max=queue_spans_max,
            close_s=BOUND_S,
        )

    def count(self, outcome: str) -> float:
        found = self.registry.get_sample_value("tierlink_tracing_spans_total", {"outcome": outcome})
        assert found is not None, "each figure is there from the start: increase() sees its first event"
        return found


def finished(header: str, **changes: Any) -> FinishedSpan:
    fields: dict[str, Any] = {
        "name": "package.Service/Method",
        "kind": SpanKind.SERVER,
        "context": continue_trace(header, random_bits=0xABC, sample_new=True),
        "started_ns": 1_000,
        "ended_ns": 2_000,
    }
    return FinishedSpan(**{**fields, **changes})


async def test_a_sampled_span_is_exported_under_its_parent() -> None:
    it = Recording(takes)
    link = continue_trace("", random_bits=7 << 64 | 9, sample_new=True)
    it.recorder.record(
        finished(f"{PARENT}-01", error="INTERNAL", attributes=(("rpc.system.name", "grpc"),), links=(link,))
    )
    await it.recorder.close()
    (span,) = it.exporter.spans
    assert it.exporter.is_shut_down.is_set()
    assert (span.name, span.kind) == ("package.Service/Method", TheirKind.SERVER)
    assert span.status.status_code is StatusCode.ERROR
    assert (span.start_time, span.end_time) == (1_000, 2_000)
    assert span.context.trace_id == span.parent.trace_id == 0x4BF92F3577B34DA6A3CE929D0E0E4736
    assert (span.context.span_id, span.context.is_remote) == (0xABC, False)
    assert (span.parent.span_id, span.parent.is_remote) == (0x00F067AA0BA902B7, True)
    assert dict(span.attributes) == {"rpc.system.name": "grpc", "error.type": "INTERNAL"}
    assert [(each.context.trace_id, each.context.span_id) for each in span.links] == [(7, 9)]
    told = span.resource.attributes
    assert (told["service.name"], told["service.version"]) == ("tierlink-referral", "1.2")
    assert it.count("exported") == 1


@pytest.mark.parametrize("kind", list(SpanKind))
async def test_every_kind_is_one_of_theirs_and_what_went_well_has_no_status(kind: SpanKind) -> None:
    it = Recording(takes)
    it.recorder.record(finished("", kind=kind))
    await it.recorder.close()
    (span,) = it.exporter.spans
    assert (span.kind.name, span.parent) == (kind.value, None)
    assert span.status.status_code is StatusCode.UNSET


async def test_what_is_not_sampled_is_not_exported() -> None:
    it = Recording(takes)
    it.recorder.record(finished(f"{PARENT}-00"))
    await it.recorder.close()
    assert it.exporter.spans == []


async def test_what_finds_no_room_is_dropped_and_counted_and_the_earlier_stay() -> None:
    it = Recording(hangs, queue_spans_max=10)
    for number in range(10):
        it.recorder.record(finished("", started_ns=number))
    assert it.exporter.is_asked.wait(20)
    # One batch of ten is on its way; ten more may wait for it.
    for number in range(10, 35):
        it.recorder.record(finished("", started_ns=number))
    assert it.count("queue_full") == 15
    await it.recorder.close()
    assert sorted(span.start_time for span in it.exporter.spans) == list(range(20))
    assert it.count("failed") == 20


async def test_what_is_not_taken_is_counted() -> None:
    it = Recording(raises)
    it.recorder.record(finished(""))
    await it.recorder.close()
    assert (it.count("failed"), it.count("exported")) == (1, 0)


async def test_a_collector_that_hangs_ends_nothing_late() -> None:
    it = Recording(hangs)
    it.recorder.record(finished(""))
    began_s = time.monotonic()
    await it.recorder.close()
    assert BOUND_S * 0.9 < time.monotonic() - began_s < BOUND_S + SLACK_S
    assert it.count("failed") == 1


async def test_the_real_exporter_is_ended_within_the_bound_by_a_peer_that_says_nothing() -> None:
    """Takes the connection and never speaks HTTP/2: the longest of all silences."""
    left = asyncio.Event()

    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await left.wait()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        registry = CollectorRegistry()
        recorder = otlp_recorder(
            service="probe", version="1", endpoint=f"http://127.0.0.1:{port}", metrics=SpanMetrics(registry)
        )
        recorder.record(finished(""))
        began_s = time.monotonic()
        await recorder.close()
        assert time.monotonic() - began_s < CLOSE_S + SLACK_S
        assert registry.get_sample_value("tierlink_tracing_spans_total", {"outcome": "failed"}) == 1
        left.set()


def test_tracing_without_its_library_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.grpc.trace_exporter", None)
    with pytest.raises(TracingUnavailableError, match=r"install tierlink\[tracing\]"):
        otlp_recorder(
            service="probe",
            version="1",
            endpoint="http://127.0.0.1:4317",
            metrics=SpanMetrics(CollectorRegistry()),
        )


def test_an_endpoint_without_a_scheme_is_refused() -> None:
    with pytest.raises(TracingUnavailableError, match="must begin with http"):
        otlp_recorder(
            service="probe",
            version="1",
            endpoint="collector:4317",
            metrics=SpanMetrics(CollectorRegistry()),
        )


OFF = """
import asyncio, sys
from services.bed import main as bed
from services.bed.settings import BedSettings
from services.board import main as board
from services.notification import main as notification
from services.notification.settings import NotificationSettings
from services.referral import main as referral
from services.referral.settings import ReferralSettings

async def built():
    for service, settings in (
        (referral, ReferralSettings()), (bed, BedSettings()), (notification, NotificationSettings())
    ):
        foundation = service.build(settings)
        service.assemble(settings, foundation)
        assert foundation.tracer is None
        await foundation.close()

asyncio.run(built())
found = sorted(name for name in sys.modules if name.partition(".")[0] == "opentelemetry")
print(found)
"""


def test_where_it_is_off_nothing_of_the_library_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TIERLINK_TRACING_ENDPOINT", raising=False)
    done = subprocess.run(
        [sys.executable, "-c", OFF], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
