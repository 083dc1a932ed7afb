"""Tracing, where the site has a collector; where it has none, nothing of it is imported."""

from dataclasses import dataclass
from importlib.metadata import version
from typing import Protocol

from prometheus_client import CollectorRegistry

from services.shared.telemetry.span_export import OpenTelemetryRecorder, SpanMetrics, otlp_recorder
from services.shared.telemetry.tracer import Tracer


@dataclass(frozen=True, kw_only=True, slots=True)
class Tracing:
    """What records and exports the spans of one process."""

    tracer: Tracer
    recorder: OpenTelemetryRecorder

    async def close(self) -> None:
        """Exports what there is, for at most three seconds."""
        await self.recorder.close()


class TracingSettings(Protocol):
    """What a process is told of traces."""

    @property
    def tracing_endpoint(self) -> str: ...
    @property
    def tracing_ratio(self) -> float: ...


def build_tracing(
    service: str, settings: TracingSettings, registry: CollectorRegistry, *, callers_ratio: float = 1.0
) -> Tracing | None:
    """None where no endpoint is set. Raises TracingUnavailableError when spans cannot be sent."""
    if not settings.tracing_endpoint:
        return None
    recorder = otlp_recorder(
        service=service,
        version=version("tierlink"),
        endpoint=settings.tracing_endpoint,
        metrics=SpanMetrics(registry),
    )
    tracer = Tracer(recorder, ratio=settings.tracing_ratio, callers_ratio=callers_ratio)
    return Tracing(tracer=tracer, recorder=recorder)
