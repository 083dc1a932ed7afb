"""`/events/alerts` and `/events/referrals`: Server-Sent Events, resumed by `Last-Event-ID`."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import orjson
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.board.application.platform import Heard, Platform
from services.board.application.sessions import Session
from services.board.application.watching import Kind, Rhythm, Told, watch
from services.board.entrypoints.http.guard import Guard

_TOKEN_LENGTH_MAX = 4096
#: A page that reads more slowly than this is dropped; it comes back with its last id.
_SEND_TIMEOUT_S = 10.0

#: Begins a service's stream for a session, after a resume token.
BeginFor = Callable[[Session, str], AsyncGenerator[Heard, None]]


class Streams:
    """The live streams of all pages of this process."""

    def __init__(self, guard: Guard, platform: Platform, rhythm: Rhythm, *, streams_max: int) -> None:
        self._guard = guard
        self._platform = platform
        self._rhythm = rhythm
        self._streams_max = streams_max
        self._stopping = asyncio.Event()
        self.open = 0

    def routes(self) -> list[Route]:
        return [
            Route("/events/alerts", self.alerts, methods=["GET"]),
            Route("/events/referrals", self.referrals, methods=["GET"]),
        ]

    def stop(self) -> None:
        """Ends every stream: pages come back to whoever serves then."""
        self._stopping.set()

    async def alerts(self, request: Request) -> Response:
        return self._stream(request, lambda session, token: self._platform.watch_alerts(session.token, token))

    async def referrals(self, request: Request) -> Response:
        return self._stream(
            request, lambda session, token: self._platform.watch_referrals(session.token, token)
        )

    def _stream(self, request: Request, begin: BeginFor) -> Response:
        session = self._guard.session(request)
        if self.open >= self._streams_max:
            return JSONResponse({"error": "TOO_MANY_STREAMS"}, status_code=503)
        # A page that was opened anew may name where it was before it was closed.
        after = request.headers.get("last-event-id") or request.query_params.get("after", "")
        resume = after[:_TOKEN_LENGTH_MAX]
        return EventSourceResponse(
            self._events(session, begin, resume),
            # The rhythm below sends signs of life that pages can see; comments they cannot.
            ping=3600,
            send_timeout=_SEND_TIMEOUT_S,
            headers={"cache-control": "no-store", "x-accel-buffering": "no"},
        )

    async def _events(
        self, session: Session, begin: BeginFor, resume: str
    ) -> AsyncGenerator[ServerSentEvent, None]:
        self.open += 1
        try:
            told = watch(
                lambda token: begin(session, token),
                resume,
                self._rhythm,
                is_signed_in=lambda: self._is_signed_in(session),
            )
            async with aclosing(told) as news:
                # The first words at once: a page that is let in must know before the first change.
                yield _event(Told(kind=Kind.HEARTBEAT))
                async for each in news:
                    yield _event(each)
                    if self._stopping.is_set():
                        return
        finally:
            self.open -= 1

    def _is_signed_in(self, session: Session) -> bool:
        return self._guard.sessions.is_open(session, now=datetime.now(UTC))


def _event(told: Told) -> ServerSentEvent:
    content: dict[str, Any] = {"now": datetime.now(UTC).isoformat()}
    if told.resource is not None:
        content["resource"] = told.resource
        content["event_type"] = told.event_type
    return ServerSentEvent(
        data=orjson.dumps(content).decode(), event=told.kind.value, id=told.resume_token or None
    )
