"""Requests of pages in traces: what a person sees or does leads to the calls that it takes.

A trace begins here whatever the browser says: a page is open to whoever finds it, and a flag of a stranger's
must not fill the collector. Spans name the route, never the address: an answer link's address opens it.
"""

import time

from starlette.applications import Starlette
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.shared.telemetry.handing_on import hand_on
from services.shared.telemetry.log_context import log_fields, set_log_fields
from services.shared.telemetry.tracer import Tracer, moment_ns
from services.shared.telemetry.tracing import FinishedSpan, SpanKind

#: What is more than a file: answers, streams, links.
_TRACED = ("/api/", "/events", "/answer/")
_NO_ROUTE = "unknown"
_FAULT = 500


class TracedRequests:
    """Around the whole application. Plain ASGI: a stream must go through it unbuffered."""

    def __init__(self, app: Starlette, tracer: Tracer) -> None:
        self._app: ASGIApp = app
        self._routes = app.routes
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(_TRACED):
            await self._app(scope, receive, send)
            return
        context = self._tracer.begin("")
        began_ns = time.perf_counter_ns()
        status = _FAULT

        async def send_and_see(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        hand_on(context.traceparent)
        set_log_fields({**log_fields(), "trace_id": context.trace_id, "span_id": context.span_id})
        try:
            await self._app(scope, receive, send_and_see)
        finally:
            if context.sampled:
                route, method = self._route(scope), scope["method"]
                self._tracer.record(
                    FinishedSpan(
                        name=f"{method} {route}",
                        kind=SpanKind.SERVER,
                        context=context,
                        started_ns=moment_ns(began_ns),
                        ended_ns=moment_ns(time.perf_counter_ns()),
                        error=str(status) if status >= _FAULT else "",
                        attributes=(
                            ("http.request.method", method),
                            ("http.route", route),
                            ("http.response.status_code", status),
                        ),
                    )
                )

    def _route(self, scope: Scope) -> str:
        """As it is written down, without what stands in its place."""
        for route in self._routes:
            if isinstance(route, Route) and route.matches(scope)[0] is not Match.NONE:
                return route.path
        return _NO_ROUTE
