"""A collector as sites run one: takes OTLP by gRPC on a real socket and keeps the spans."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.trace.v1 import trace_pb2


@dataclass(frozen=True, kw_only=True)
class Span:
    """One span as it arrived."""

    service: str
    name: str
    #: such as `SERVER`
    kind: str
    trace_id: str
    span_id: str
    #: empty for the first of a trace
    parent_id: str
    started_ns: int
    ended_ns: int
    is_error: bool
    attributes: dict[str, Any]
    #: spans of other traces, by id
    links: tuple[str, ...]


@dataclass(kw_only=True)
class Collector:
    """Everything that was exported."""

    endpoint: str = ""
    spans: list[Span] = field(default_factory=list)
    #: batches that came, answered or not
    batches: int = 0
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def until(self, held: Callable[[list[Span]], bool], bound_s: float = 40.0) -> list[Span]:
        """The spans, once `held` is true of them. Raises TimeoutError after `bound_s`."""
        async with asyncio.timeout(bound_s), self.arrived:
            await self.arrived.wait_for(lambda: held(self.spans))
        return list(self.spans)


@asynccontextmanager
async def running_collector(*, hangs: bool = False) -> AsyncIterator[Collector]:
    """A collector for the time of the block; one that `hangs` takes batches and never answers."""
    collector = Collector()

    class Service(trace_service_pb2_grpc.TraceServiceServicer):
        async def Export(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
            async with collector.arrived:
                collector.batches += 1
                collector.spans.extend(_spans(request))
                collector.arrived.notify_all()
            if hangs:
                await asyncio.Event().wait()
            return trace_service_pb2.ExportTraceServiceResponse()

    server = grpc.aio.server()
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(Service(), server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port("127.0.0.1:0")
    collector.endpoint = f"http://127.0.0.1:{port}"
    await server.start()
    try:
        yield collector
    finally:
        await server.stop(0)


def _spans(request: Any) -> list[Span]:
    found = []
    for resource in request.resource_spans:
        service = _attributes(resource.resource.attributes)["service.name"]
        for scope in resource.scope_spans:
            found += [_span(service, each) for each in scope.spans]
    return found


def _span(service: str, span: Any) -> Span:
    return Span(
        service=service,
        name=span.name,
        kind=trace_pb2.Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        started_ns=span.start_time_unix_nano,
        ended_ns=span.end_time_unix_nano,
        is_error=span.status.code == trace_pb2.Status.STATUS_CODE_ERROR,
        attributes=_attributes(span.attributes),
        links=tuple(link.span_id.hex() for link in span.links),
    )


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: Any) -> Any:
    which = value.WhichOneof("value")
    if which == "array_value":
        return tuple(_value(each) for each in value.array_value.values)
    return getattr(value, which)
