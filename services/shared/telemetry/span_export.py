"""Spans to an OpenTelemetry collector, for sites that install the extra `tracing`.

The rest of the program knows only `tracing.SpanRecorder`, so the library is imported when it is asked for.
"""

from importlib import import_module
from typing import Any

from services.shared.telemetry.tracing import FinishedSpan

#: spans waiting for export; more are dropped by the library's queue
_QUEUE_SPANS_MAX = 2048


class TracingUnavailableError(RuntimeError):
    """Tracing was asked for and its library is not installed."""


class OpenTelemetryRecorder:
    """Sends finished spans in batches from a thread of the OpenTelemetry library; drops them when it lags."""

    def __init__(self, *, service: str, exporter: Any) -> None:
        """`exporter` is an OpenTelemetry SpanExporter. Raises TracingUnavailableError without the library."""
        self._trace = _library("opentelemetry.trace")
        self._sdk = _library("opentelemetry.sdk.trace")
        resources = _library("opentelemetry.sdk.resources")
        export = _library("opentelemetry.sdk.trace.export")
        self._resource = resources.Resource.create({"service.name": service})
        self._processor = export.BatchSpanProcessor(exporter, max_queue_size=_QUEUE_SPANS_MAX)

    def record(self, span: FinishedSpan) -> None:
        """Queues one span; spans of traces that are not sampled are left out."""
        if not span.context.sampled:
            return
        here, parent = span.context, None
        if here.parent_span_id:
            parent = self._span_context(here.trace_id, here.parent_span_id, remote=True)
        status_code = self._trace.StatusCode.OK if span.succeeded else self._trace.StatusCode.ERROR
        self._processor.on_end(
            self._sdk.ReadableSpan(
                name=span.name,
                context=self._span_context(here.trace_id, here.span_id, remote=False),
                parent=parent,
                resource=self._resource,
                attributes=dict(span.attributes),
                kind=self._trace.SpanKind.SERVER,
                status=self._trace.Status(status_code),
                start_time=span.started_ns,
                end_time=span.ended_ns,
            )
        )

    def close(self) -> None:
        """Exports what is queued and stops the thread. Blocks for as long as the exporter's own bound."""
        self._processor.shutdown()

    def _span_context(self, trace_id: str, span_id: str, *, remote: bool) -> Any:
        return self._trace.SpanContext(
            trace_id=int(trace_id, 16),
            span_id=int(span_id, 16),
            is_remote=remote,
            trace_flags=self._trace.TraceFlags(self._trace.TraceFlags.SAMPLED),
        )


def otlp_recorder(*, service: str, endpoint: str) -> OpenTelemetryRecorder:
    """A recorder that sends to an OTLP collector over gRPC, such as `http://collector:4317`.

    Raises TracingUnavailableError when the extra `tracing` is not installed.
    """
    otlp = _library("opentelemetry.exporter.otlp.proto.grpc.trace_exporter")
    return OpenTelemetryRecorder(service=service, exporter=otlp.OTLPSpanExporter(endpoint=endpoint))


def _library(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError as missing:
        raise TracingUnavailableError(
            f"tracing is configured, but {module} is not installed: install tierlink[tracing], "
            "or leave the tracing endpoint empty"
        ) from missing
