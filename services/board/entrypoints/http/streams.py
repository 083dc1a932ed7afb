"""`/events?parts=alerts,referrals,beds`: all that a page is told, as Server-Sent Events on one wire.

Resumed by `Last-Event-ID`, or by `after` in the address. What of beds is streamed is counts: a message says
which kind of bed to look at again, and nothing of any bed.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from functools import partial

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.board.application.page import News, Page
from services.board.application.platform import BedNews, Heard, Platform
from services.board.application.sessions import Session
from services.board.application.sharing import SharedStreams, View
from services.board.application.watching import Kind, Rhythm, Told
from services.board.entrypoints.http.guard import Guard
from services.board.entrypoints.http.reading_json import asked_facility
from services.board.entrypoints.http.slow_pages import PageStream, SlowPages
from services.board.entrypoints.http.words import Telling, Words, places_in

#: A page that takes longer for one message is cut off.
_SEND_TIMEOUT_S = 10.0

#: Whose words a page of this session, with this facility's beds on it, shares.
_ViewOf = Callable[[Session, str], View]


class Streams:
    """The live streams of all pages of this process."""

    def __init__(
        self, guard: Guard, platform: Platform, beds: BedNews, rhythm: Rhythm, *, streams_max: int
    ) -> None:
        self._guard = guard
        self._parts: dict[str, tuple[SharedStreams, _ViewOf]] = {
            # Alerts are a facility's, not a person's: the walls and telephones of a centre share them.
            "alerts": (
                SharedStreams(lambda _view: platform.watch_alerts, rhythm),
                lambda session, _facility: session.viewer.desk,
            ),
            # Who looked at which patients is recorded with the person's name: only one's own screens share.
            "referrals": (
                SharedStreams(lambda _view: platform.watch_referrals, rhythm),
                lambda session, _facility: session.viewer.person,
            ),
            # How many beds of a kind are free is told to whoever is signed in: all pages share a facility's.
            "beds": (
                SharedStreams(lambda view: partial(_beds_of, beds, view[0]), rhythm),
                lambda _session, facility: (facility,),
            ),
        }
        self._streams_max = streams_max
        self._words = Words()
        self._slow = SlowPages(_SEND_TIMEOUT_S)
        self._stopping = asyncio.Event()
        self.open = 0

    def routes(self) -> list[Route]:
        return [Route("/events", self.events, methods=["GET"])]

    def stop(self) -> None:
        """Ends every stream with its next word: pages come back to whoever serves then."""
        self._stopping.set()

    async def events(self, request: Request) -> Response:
        """The parts that a page asks for, the leading one first."""
        session = self._guard.session(request)
        if self.open >= self._streams_max:
            return JSONResponse({"error": "TOO_MANY_STREAMS"}, status_code=503)
        parts = tuple(request.query_params.get("parts", "").split(","))
        if len(set(parts)) < len(parts) or not self._parts.keys() >= set(parts):
            return JSONResponse({"error": "NO_SUCH_PART"}, status_code=400)
        facility = asked_facility(request) or session.actor.facility
        if "beds" in parts and not facility:
            # Without one the service would tell of all: a page that shows none has nothing to hear.
            return JSONResponse({"error": "NO_FACILITY"}, status_code=400)
        # A page that was opened anew may name where it was before it was closed.
        after = request.headers.get("last-event-id") or request.query_params.get("after", "")
        page = Page(parts, token=session.token, is_signed_in=lambda: self._is_signed_in(session))
        return PageStream(self._events(session, page, facility, places_in(after, parts)), self._slow)

    async def _events(
        self, session: Session, page: Page, facility: str, places: dict[str, str]
    ) -> AsyncGenerator[bytes, None]:
        self.open += 1
        leaving: list[Callable[[], None]] = []
        telling = Telling(self._words, places)
        try:
            for part in page.parts:
                streams, view_of = self._parts[part]
                view = view_of(session, facility)
                leaving.append(streams.join(view, page, part, places.get(part, "")))
            # The first words at once: a page that is let in must know before the first change.
            yield telling.of([News(page.parts[0], Told(kind=Kind.HEARTBEAT))])
            async with aclosing(page.news()) as news:
                async for found in news:
                    said = telling.of(found)
                    if said:
                        yield said
                    if self._stopping.is_set():
                        return
        finally:
            for leave in leaving:
                leave()
            self.open -= 1

    def _is_signed_in(self, session: Session) -> bool:
        return self._guard.sessions.is_open(session, now=datetime.now(UTC))


def _beds_of(beds: BedNews, facility: str, token: str, resume_token: str) -> AsyncGenerator[Heard, None]:
    return beds.watch(token, facility, resume_token)
