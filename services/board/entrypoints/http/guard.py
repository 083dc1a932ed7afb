"""Who may in: sessions from cookies, and what every page is told of its limits.

- The session is in a cookie that scripts cannot read and that other sites' pages do not send.
- What changes something carries a token that only this origin's pages know.
- Pages load nothing but what this server has: no script of another's, nor one written into a text, runs.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.board.application.sessions import Session, Sessions

COOKIE = "tierlink_session"
CSRF_HEADER = "x-csrf-token"
#: Forms of other sites cannot set it, and their scripts are not let.
PAGE_HEADER = "x-tierlink-page"

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)
_HSTS = (b"strict-transport-security", b"max-age=31536000")


class NotSignedIn(Exception):
    """No session, or it is over."""


class Forged(Exception):
    """A request that no page of this board sent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Guard:
    """Finds the session of a request, and sets and clears its cookie."""

    sessions: Sessions
    https: bool

    def session(self, request: Request) -> Session:
        """Who looks. Raises NotSignedIn."""
        session = self.sessions.find(request.cookies.get(COOKIE, ""), now=datetime.now(UTC))
        if session is None:
            raise NotSignedIn
        return session

    def acting(self, request: Request) -> Session:
        """Who changes something. Raises NotSignedIn, Forged."""
        session = self.session(request)
        ensure_own_page(request)
        sent = request.headers.get(CSRF_HEADER, "")
        if not secrets.compare_digest(sent.encode(), session.csrf_token.encode()):
            raise Forged
        return session

    def remember(self, response: Response, session: Session) -> None:
        """Raises TokenTooLong."""
        response.set_cookie(
            COOKIE,
            self.sessions.cookie_of(session),
            expires=session.expires_at,
            path="/",
            secure=self.https,
            httponly=True,
            samesite="strict",
        )

    def forget(self, response: Response) -> None:
        response.delete_cookie(COOKIE, path="/", secure=self.https, httponly=True, samesite="strict")


def ensure_own_page(request: Request) -> None:
    """Raises Forged for what a page of another site could have sent."""
    if request.headers.get(PAGE_HEADER) != "1":
        raise Forged
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Forged


class SecurityHeaders:
    """Adds the headers to every response. Plain ASGI: a stream must go through it unbuffered."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self._app = app
        self._headers = (*_HEADERS, _HSTS) if https else _HEADERS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = list(message.get("headers", ()))
                # A page that needs less, or a form, says so itself.
                own = {name for name, _ in said}
                message = {
                    **message,
                    "headers": [*said, *(each for each in self._headers if each[0] not in own)],
                }
            await send(message)

        await self._app(scope, receive, send_with_headers)
