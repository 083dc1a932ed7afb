"""Signing in with a token of the hospital's identity provider, and out again."""

from datetime import UTC, datetime

import jwt
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.board.application.sessions import TokenTooLong
from services.board.entrypoints.http.guard import COOKIE, Guard, ensure_own_page
from services.board.entrypoints.http.reading_json import body_of
from services.shared.kernel.refusals import Unauthenticated
from services.shared.rpc.credentials import TOKEN_LENGTH_MAX, Authenticator


class SigningIn:
    """`POST /api/session` and `DELETE /api/session`."""

    def __init__(self, guard: Guard, authenticator: Authenticator) -> None:
        self._guard = guard
        self._authenticator = authenticator

    def routes(self) -> list[Route]:
        return [
            Route("/api/session", self.sign_in, methods=["POST"]),
            Route("/api/session", self.sign_out, methods=["DELETE"]),
        ]

    async def sign_in(self, request: Request) -> Response:
        """Opens a session for a valid token. The one that the browser had before ends."""
        ensure_own_page(request)
        body = await body_of(request, bytes_max=TOKEN_LENGTH_MAX + 256)
        token = str(body.get("token", "")).strip()
        try:
            actor = await self._authenticator.verify(token)
        except Unauthenticated as refusal:
            return JSONResponse({"error": refusal.reason}, status_code=401)
        earlier = self._guard.sessions.find(request.cookies.get(COOKIE, ""), now=datetime.now(UTC))
        if earlier is not None:
            self._guard.sessions.close(earlier)
        session = self._guard.sessions.open(
            actor, token, now=datetime.now(UTC), token_expires_at=_end_of(token)
        )
        response = JSONResponse({"facility": actor.facility, "name": actor.name}, status_code=201)
        try:
            self._guard.remember(response, session)
        except TokenTooLong:
            return JSONResponse({"error": "TOKEN_TOO_LONG"}, status_code=413)
        return response

    async def sign_out(self, request: Request) -> Response:
        session = self._guard.acting(request)
        self._guard.sessions.close(session)
        response = Response(status_code=204)
        self._guard.forget(response)
        return response


def _end_of(verified_token: str) -> datetime:
    """When a token ends that was verified a moment ago."""
    claims = jwt.decode(verified_token, options={"verify_signature": False})
    return datetime.fromtimestamp(float(claims["exp"]), UTC)
