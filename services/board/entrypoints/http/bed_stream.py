"""`/events/beds`: tells a page that counts of the facility it shows changed; it then asks for the wards.

What a bed map shows is every bed; what is streamed is counts. So a message says which kind of bed to look at
again, and nothing of any bed.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any, Protocol

import orjson
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.board.application.platform import Heard
from services.board.application.sessions import Session
from services.board.application.watching import Kind, Rhythm, Told, watch
from services.board.entrypoints.http.guard import Guard
from services.board.entrypoints.http.reading_json import asked_facility

_TOKEN_LENGTH_MAX = 4096
#: A page that reads more slowly than this is dropped; it comes back with its last id.
_SEND_TIMEOUT_S = 10.0


class BedNews(Protocol):
    """Where changes are heard of."""

    def watch(self, token: str, facility: str, resume_token: str) -> AsyncGenerator[Heard, None]:
        """Raises StreamBroken, StreamRefused of `watching`."""


class BedStream:
    """The streams of all bed maps of this process."""

    def __init__(self, guard: Guard, news: BedNews, rhythm: Rhythm, *, streams_max: int) -> None:
        self._guard = guard
        self._news = news
        self._rhythm = rhythm
        self._streams_max = streams_max
        self._stopping = asyncio.Event()
        self.open = 0

    def routes(self) -> list[Route]:
        return [Route("/events/beds", self.beds, methods=["GET"])]

    def stop(self) -> None:
        """Ends every stream with its next word: pages come back to whoever serves then."""
        self._stopping.set()

    async def beds(self, request: Request) -> Response:
        session = self._guard.session(request)
        if self.open >= self._streams_max:
            return JSONResponse({"error": "TOO_MANY_STREAMS"}, status_code=503)
        facility = asked_facility(request) or session.actor.facility
        if not facility:
            # Without one the service would tell of all: a page that shows none has nothing to hear.
            return JSONResponse({"error": "NO_FACILITY"}, status_code=400)
        after = request.headers.get("last-event-id") or request.query_params.get("after", "")
        return EventSourceResponse(
            self._events(session, facility, after[:_TOKEN_LENGTH_MAX]),
            # The rhythm sends signs of life that pages can see; comments they cannot.
            ping=3600,
            send_timeout=_SEND_TIMEOUT_S,
            headers={"cache-control": "no-store", "x-accel-buffering": "no"},
        )

    async def _events(
        self, session: Session, facility: str, resume: str
    ) -> AsyncGenerator[ServerSentEvent, None]:
        self.open += 1
        try:
            told = watch(
                lambda token: self._news.watch(session.token, facility, token),
                resume,
                self._rhythm,
                is_signed_in=lambda: self._guard.sessions.is_open(session, now=datetime.now(UTC)),
            )
            async with aclosing(told) as news:
                # The first word at once: a page that is let in must know before the first change.
                yield _event(Told(kind=Kind.HEARTBEAT))
                async for each in news:
                    yield _event(each)
                    if self._stopping.is_set():
                        return
        finally:
            self.open -= 1


def _event(told: Told) -> ServerSentEvent:
    content: dict[str, Any] = {"now": datetime.now(UTC).isoformat()}
    if told.resource is not None:
        content["resource"] = told.resource
        content["event_type"] = told.event_type
    return ServerSentEvent(
        data=orjson.dumps(content).decode(), event=told.kind.value, id=told.resume_token or None
    )
