"""Spans to an OpenTelemetry collector, for sites that install the extra `tracing`.

The rest of the program knows only `tracing.SpanRecorder`, so the library is imported when it is asked for.
"""

import asyncio
import logging
import os
import socket
import threading
import time
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter

from services.shared.telemetry.tracing import FinishedSpan

_log = structlog.get_logger(__name__)

#: Spans waiting for export, beside the batch on its way; what comes beyond is dropped and counted.
QUEUE_SPANS_MAX = 4096
_BATCH_SPANS_MAX = 512
_EVERY_MS = 1_000
#: How long one batch is tried.
_EXPORT_TIMEOUT_S = 3.0
#: How long a process that stops goes on exporting; then the connection is closed under what is left.
CLOSE_S = 2.0
#: And how long it waits for that to take effect.
_CLOSED_S = 1.0
#: How often the log says that a collector takes no spans: the figures say how many.
_LINE_EVERY_S = 60.0
_THEIR_LOGGER = "opentelemetry.exporter.otlp.proto.grpc.exporter"


class TracingUnavailableError(RuntimeError):
    """Tracing was asked for and its library is not installed, or the endpoint is no address."""


class SpanMetrics:
    """What became of this process's spans."""

    def __init__(self, registry: CollectorRegistry) -> None:
        spans = Counter(
            "tierlink_tracing_spans",
            "Spans of recorded traces by what became of them:"
            " exported, queue_full (the collector lags), failed (it did not take them).",
            ["outcome"],
            registry=registry,
        )
        self.exported = spans.labels("exported")
        self.queue_full = spans.labels("queue_full")
        self.failed = spans.labels("failed")


class _Seldom(logging.Filter):
    """Lets the library say once a minute that a batch is lost, and why; it would say so of each try."""

    def __init__(self) -> None:
        super().__init__()
        self._last_s = -_LINE_EVERY_S

    def filter(self, record: logging.LogRecord) -> bool:
        now_s = time.monotonic()
        if record.levelno < logging.ERROR or now_s - self._last_s < _LINE_EVERY_S:
            return False
        self._last_s = now_s
        return True


class _Waiting:
    """How many spans wait: the library's queue drops its oldest without a count, so it is never filled."""

    def __init__(self, spans_max: int) -> None:
        self._spans_max = spans_max
        self._spans = 0
        self._lock = threading.Lock()

    def enters(self) -> bool:
        """Whether there is room for one more."""
        with self._lock:
            if self._spans >= self._spans_max:
                return False
            self._spans += 1
            return True

    def leave(self, spans: int) -> None:
        with self._lock:
            self._spans -= spans


class _CountingExporter:
    """Counts what an exporter of the library takes and what it loses. Called from the library's thread."""

    def __init__(self, exporter: Any, waiting: _Waiting, metrics: SpanMetrics) -> None:
        self._exporter = exporter
        self._waiting = waiting
        self._metrics = metrics
        self._is_closed = threading.Lock()

    def export(self, spans: Sequence[Any]) -> Any:
        self._waiting.leave(len(spans))
        outcome = self._metrics.failed
        try:
            result = self._exporter.export(spans)
            if result.name == "SUCCESS":
                outcome = self._metrics.exported
        finally:
            outcome.inc(len(spans))
        return result

    def shutdown(self) -> None:
        """Closes the connection, which also ends an export that hangs."""
        if self._is_closed.acquire(blocking=False):
            self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 0) -> bool:
        """Nothing is kept here."""
        return True


class OpenTelemetryRecorder:
    """Sends finished spans in batches from a thread of the OpenTelemetry library; drops them when it lags."""

    def __init__(
        self,
        *,
        service: str,
        version: str,
        exporter: Any,
        metrics: SpanMetrics,
        queue_spans_max: int = QUEUE_SPANS_MAX,
        close_s: float = CLOSE_S,
    ) -> None:
        """`exporter` is an OpenTelemetry SpanExporter. Raises TracingUnavailableError without the library."""
        self._trace = _library("opentelemetry.trace")
        self._sdk = _library("opentelemetry.sdk.trace")
        resources = _library("opentelemetry.sdk.resources")
        export = _library("opentelemetry.sdk.trace.export")
        self._resource = resources.Resource.create(
            {
                "service.namespace": "tierlink",
                "service.name": f"tierlink-{service}",
                "service.version": version,
                "service.instance.id": f"{socket.gethostname()}:{os.getpid()}",
            }
        )
        scope = _library("opentelemetry.sdk.util.instrumentation")
        self._scope = scope.InstrumentationScope("tierlink", version)
        self._metrics = metrics
        self._close_s = close_s
        self._waiting = _Waiting(queue_spans_max)
        self._exporter = _CountingExporter(exporter, self._waiting, metrics)
        self._processor = export.BatchSpanProcessor(
            self._exporter,
            # What is full is told by `_waiting`; the library's own queue must hold as much in any case.
            max_queue_size=queue_spans_max,
            max_export_batch_size=min(_BATCH_SPANS_MAX, queue_spans_max),
            schedule_delay_millis=_EVERY_MS,
        )

    def record(self, span: FinishedSpan) -> None:
        """Queues one span; those of traces that are not sampled are left out, those without room dropped."""
        if not span.context.sampled:
            return
        if not self._waiting.enters():
            self._metrics.queue_full.inc()
            return
        here, parent = span.context, None
        if here.parent_span_id:
            parent = self._span_context(here.trace_id, here.parent_span_id, remote=True)
        attributes = dict(span.attributes)
        # Left unset where it went well: what is well is for the reader of the trace to say.
        status = self._trace.Status(self._trace.StatusCode.UNSET)
        if span.error:
            attributes["error.type"] = span.error
            status = self._trace.Status(self._trace.StatusCode.ERROR)
        self._processor.on_end(
            self._sdk.ReadableSpan(
                name=span.name,
                context=self._span_context(here.trace_id, here.span_id, remote=False),
                parent=parent,
                resource=self._resource,
                attributes=attributes,
                kind=self._trace.SpanKind[span.kind.value],
                links=[
                    self._trace.Link(self._span_context(link.trace_id, link.span_id, remote=True))
                    for link in span.links
                ],
                status=status,
                start_time=span.started_ns,
                end_time=span.ended_ns,
                instrumentation_scope=self._scope,
            )
        )

    async def close(self) -> None:
        """Exports what is queued within a bound and stops; what a dead collector does not take is dropped."""
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()

        def end() -> None:
            hurry = threading.Timer(self._close_s, self._exporter.shutdown)
            hurry.daemon = True
            hurry.start()
            self._processor.shutdown()
            hurry.cancel()
            loop.call_soon_threadsafe(ended.set)

        # A thread of its own: the loop's would be waited for, however long they take.
        threading.Thread(target=end, name="end of tracing", daemon=True).start()
        try:
            async with asyncio.timeout(self._close_s + _CLOSED_S):
                await ended.wait()
        except TimeoutError:
            _log.warning("tracing_left_unfinished")

    def _span_context(self, trace_id: str, span_id: str, *, remote: bool) -> Any:
        return self._trace.SpanContext(
            trace_id=int(trace_id, 16),
            span_id=int(span_id, 16),
            is_remote=remote,
            trace_flags=self._trace.TraceFlags(self._trace.TraceFlags.SAMPLED),
        )


def otlp_recorder(
    *, service: str, version: str, endpoint: str, metrics: SpanMetrics
) -> OpenTelemetryRecorder:
    """A recorder that sends to an OTLP collector over gRPC, such as `http://collector:4317`.

    The collector need not be there. Raises TracingUnavailableError when the extra `tracing` is not installed,
    or the endpoint is not an http or https address.
    """
    if not endpoint.startswith(("http://", "https://")):
        raise TracingUnavailableError(f"the tracing endpoint must begin with http:// or https://: {endpoint}")
    otlp = _library("opentelemetry.exporter.otlp.proto.grpc.trace_exporter")
    logging.getLogger(_THEIR_LOGGER).addFilter(_Seldom())
    exporter = otlp.OTLPSpanExporter(endpoint=endpoint, timeout=_EXPORT_TIMEOUT_S)
    return OpenTelemetryRecorder(service=service, version=version, exporter=exporter, metrics=metrics)


def _library(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError as missing:
        raise TracingUnavailableError(
            f"tracing is configured, but {module} is not installed: install tierlink[tracing], "
            "or leave the tracing endpoint empty"
        ) from missing
