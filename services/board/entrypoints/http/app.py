"""The board's HTTP application."""

from urllib.parse import urlencode

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from services.board.entrypoints.http.answering import Answers
from services.board.entrypoints.http.guard import Forged, Guard, NotSignedIn, SecurityHeaders
from services.board.entrypoints.http.pages_folder import PAGES, STATIC
from services.board.entrypoints.http.signing_in import SigningIn
from services.board.entrypoints.http.streams import Streams
from services.board.texts import catalogue

_log = structlog.get_logger(__name__)


class Pages:
    """The pages themselves: files without anybody's data in them."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/", self._board, methods=["GET"]),
            Route("/beds", self._beds, methods=["GET"]),
            Route("/sign-in", self._sign_in, methods=["GET"]),
            Route("/texts.json", self._texts, methods=["GET"]),
            Route("/livez", self._live, methods=["GET"]),
            Mount("/static", StaticFiles(directory=STATIC)),
        ]

    async def _board(self, request: Request) -> Response:
        return self._page(request, "board.html")

    async def _beds(self, request: Request) -> Response:
        return self._page(request, "beds.html")

    async def _sign_in(self, _request: Request) -> Response:
        return _file("sign-in.html")

    async def _texts(self, _request: Request) -> Response:
        texts = {key: {"zh": text.zh, "en": text.en} for key, text in catalogue().items()}
        return JSONResponse(texts, headers={"cache-control": "no-cache"})

    async def _live(self, _request: Request) -> Response:
        return JSONResponse({"alive": True})

    def _page(self, request: Request, name: str) -> Response:
        try:
            self._guard.session(request)
        except NotSignedIn:
            return RedirectResponse(_sign_in_for(request), status_code=303)
        return _file(name)


def _sign_in_for(request: Request) -> str:
    """Where to sign in; a wall's address says which centre it hangs for, and that goes along."""
    centre = request.query_params.get("centre", "")
    return f"/sign-in?{urlencode({'centre': centre})}" if centre else "/sign-in"


def _file(name: str) -> Response:
    # A page that was kept by the browser would hide that its session is over.
    return FileResponse(PAGES / name, headers={"cache-control": "no-store"})


async def _not_signed_in(_request: Request, _error: Exception) -> Response:
    return JSONResponse({"error": "NOT_SIGNED_IN"}, status_code=401)


async def _forged(request: Request, _error: Exception) -> Response:
    _log.warning("request_forged", path=request.url.path)
    return JSONResponse({"error": "FORGED"}, status_code=403)


async def _http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, status_code=error.status_code, headers=error.headers)


def build_app(guard: Guard, *, signing_in: SigningIn, streams: Streams, answers: Answers) -> Starlette:
    """Puts the routes together."""
    routes = [*Pages(guard).routes(), *signing_in.routes(), *streams.routes(), *answers.routes()]
    return Starlette(
        routes=routes,
        middleware=[Middleware(SecurityHeaders, https=guard.https)],
        exception_handlers={
            NotSignedIn: _not_signed_in,
            Forged: _forged,
            HTTPException: _http_error,
        },
    )
