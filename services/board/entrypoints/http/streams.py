"""`/events/alerts` and `/events/referrals`: Server-Sent Events, resumed by `Last-Event-ID`."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import orjson
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.board.application.platform import Platform
from services.board.application.sessions import Session
from services.board.application.sharing import Page, SharedStreams
from services.board.application.watching import Kind, Rhythm, Told
from services.board.entrypoints.http.guard import Guard

_TOKEN_LENGTH_MAX = 4096
#: A page that reads more slowly than this is dropped; it comes back with its last id.
_SEND_TIMEOUT_S = 10.0
_MOMENT_S = 0.5
_WORDS_KEPT_MAX = 32
_ALIVE = Told(kind=Kind.HEARTBEAT)


#: What a page of a session is told, from a resume token on.
TellFor = Callable[[Session, str], AsyncGenerator[Told, None]]


class Streams:
    """The live streams of all pages of this process."""

    def __init__(self, guard: Guard, platform: Platform, rhythm: Rhythm, *, streams_max: int) -> None:
        self._guard = guard
        self._shared_alerts = SharedStreams(platform.watch_alerts, rhythm)
        self._shared_referrals = SharedStreams(platform.watch_referrals, rhythm)
        self._streams_max = streams_max
        self._words = _Words()
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
        """Alerts are a facility's, not a person's: the walls and telephones of a centre share them."""
        return self._stream(request, self._alerts)

    async def referrals(self, request: Request) -> Response:
        """Who looked at which patients is recorded with the person's name: only one's own screens share."""
        return self._stream(request, self._referrals)

    def _alerts(self, session: Session, resume: str) -> AsyncGenerator[Told, None]:
        return self._shared_alerts.read(session.viewer.desk, self._page(session), resume)

    def _referrals(self, session: Session, resume: str) -> AsyncGenerator[Told, None]:
        return self._shared_referrals.read(session.viewer.person, self._page(session), resume)

    def _page(self, session: Session) -> Page:
        return Page(token=session.token, is_signed_in=lambda: self._is_signed_in(session))

    def _stream(self, request: Request, tell: TellFor) -> Response:
        session = self._guard.session(request)
        if self.open >= self._streams_max:
            return JSONResponse({"error": "TOO_MANY_STREAMS"}, status_code=503)
        # A page that was opened anew may name where it was before it was closed.
        after = request.headers.get("last-event-id") or request.query_params.get("after", "")
        resume = after[:_TOKEN_LENGTH_MAX]
        return EventSourceResponse(
            self._events(tell(session, resume)),
            # The rhythm below sends signs of life that pages can see; comments they cannot.
            ping=3600,
            send_timeout=_SEND_TIMEOUT_S,
            headers={"cache-control": "no-store", "x-accel-buffering": "no"},
        )

    async def _events(self, told: AsyncGenerator[Told, None]) -> AsyncGenerator[bytes, None]:
        self.open += 1
        try:
            async with aclosing(told) as news:
                # The first words at once: a page that is let in must know before the first change.
                yield _event(_ALIVE)
                async for each in news:
                    yield self._words.of(each)
                    if self._stopping.is_set():
                        return
        finally:
            self.open -= 1

    def _is_signed_in(self, session: Session) -> bool:
        return self._guard.sessions.is_open(session, now=datetime.now(UTC))


class _Words:
    """What is told to many pages at the same moment is put into words once."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[object, ...], tuple[Told, bytes, float]] = OrderedDict()

    def of(self, told: Told) -> bytes:
        now_s = time.monotonic()
        # Equal messages of several streams have one and the same resource.
        key = (told.kind, id(told.resource), told.event_type, told.resume_token)
        kept = self._kept.get(key)
        # Not later than the moment: the words tell the time.
        if kept is not None and kept[0].resource is told.resource and now_s - kept[2] < _MOMENT_S:
            return kept[1]
        words = _event(told)
        self._kept[key] = (told, words, now_s)
        while len(self._kept) > _WORDS_KEPT_MAX:
            self._kept.popitem(last=False)
        return words


def _event(told: Told) -> bytes:
    content: dict[str, Any] = {"now": datetime.now(UTC).isoformat()}
    if told.resource is not None:
        content["resource"] = told.resource
        content["event_type"] = told.event_type
    event = ServerSentEvent(
        data=orjson.dumps(content).decode(), event=told.kind.value, id=told.resume_token or None
    )
    return event.encode()
