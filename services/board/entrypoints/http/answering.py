"""What pages ask for and do beside their streams, and how refusals are told."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.board.application.door_times import DoorTimes
from services.board.application.platform import Platform, PlatformRefused, Refusal, Resource
from services.board.application.presence import Presence
from services.board.domain.door_time import DoorTime, door_time
from services.board.entrypoints.http.guard import Guard
from services.board.entrypoints.http.reading_json import asked_facility, body_of
from services.shared.kernel.actor import Role

P = ParamSpec("P")

#: As long as the services' contract lets it be.
_CENTRE_LENGTH_MAX = 64

_STATUS = {
    Refusal.INVALID: 400,
    Refusal.UNAUTHENTICATED: 401,
    Refusal.NOT_PERMITTED: 403,
    Refusal.NOT_FOUND: 404,
    Refusal.CONFLICT: 409,
    Refusal.AWAY: 503,
    Refusal.FAULT: 502,
}


def told_in_http(
    handler: Callable[Concatenate["Answers", P], Awaitable[Response]],
) -> Callable[Concatenate["Answers", P], Awaitable[Response]]:
    """What a service refuses becomes an HTTP status; its words stay with the service's own clients."""

    @wraps(handler)
    async def answer(self: "Answers", /, *args: P.args, **kwargs: P.kwargs) -> Response:
        try:
            return await handler(self, *args, **kwargs)
        except PlatformRefused as refused:
            return JSONResponse({"error": refused.refusal.value}, status_code=_STATUS[refused.refusal])

    return answer


class Answers:
    """The API of the pages."""

    def __init__(
        self, guard: Guard, platform: Platform, *, doors: DoorTimes, presence: Presence, heartbeat_s: float
    ) -> None:
        self._guard = guard
        self._platform = platform
        self._doors = doors
        self._presence = presence
        self._heartbeat_s = heartbeat_s

    def routes(self) -> list[Route]:
        return [
            Route("/api/me", self.me, methods=["GET"]),
            Route("/api/alerts/{alert}/acknowledgement", self.acknowledge, methods=["POST"]),
            Route("/api/presence", self.presence, methods=["POST"]),
            Route("/api/centres", self.centres, methods=["GET"]),
            Route("/api/facilities", self.facilities, methods=["GET"]),
            Route("/api/episodes/{episode}", self.episode, methods=["GET"]),
            Route("/api/beds", self.beds, methods=["GET"]),
            Route("/api/bed-places", self.bed_places, methods=["GET"]),
        ]

    @told_in_http
    async def me(self, request: Request) -> Response:
        """Who is signed in, and what the page must know to act and to notice silence."""
        session = self._guard.session(request)
        return JSONResponse(
            {
                "user": session.actor.user,
                "name": session.actor.name,
                "facility": session.actor.facility,
                "csrf_token": session.csrf_token,
                "heartbeat_s": self._heartbeat_s,
                "now": datetime.now(UTC).isoformat(),
                "signed_in_until": session.expires_at.isoformat(),
            },
            headers={"cache-control": "no-store"},
        )

    @told_in_http
    async def presence(self, request: Request) -> Response:
        """A sign of life of a page that shows alerts now: it alone knows that somebody may see them."""
        session = self._guard.acting(request)
        centre = (await body_of(request)).get("centre", "")
        if not isinstance(centre, str) or len(centre) > _CENTRE_LENGTH_MAX:
            raise HTTPException(400, "not a centre")
        await self._presence.seen(session.viewer, centre)
        return Response(status_code=204)

    @told_in_http
    async def centres(self, request: Request) -> Response:
        """Centres of the person's facility that a screen may hang for."""
        session = self._guard.session(request)
        return _json({"centres": await self._platform.centres(session.token)})

    @told_in_http
    async def facilities(self, request: Request) -> Response:
        """Names by id."""
        session = self._guard.session(request)
        return _json({"names": await self._platform.facility_names(session.token)})

    @told_in_http
    async def acknowledge(self, request: Request) -> Response:
        """Somebody acts on an alert. The page draws the request id, so that a second try is the same one."""
        session = self._guard.acting(request)
        body = await body_of(request)
        alert = await self._platform.acknowledge(
            session.token, f"alerts/{_uuid(request.path_params['alert'])}", _uuid(body.get("request_id"))
        )
        return _json({"alert": alert})

    @told_in_http
    async def episode(self, request: Request) -> Response:
        """An episode with its referrals and consultations, its clocks, and what is left of their time."""
        session = self._guard.session(request)
        name = f"episodes/{_uuid(request.path_params['episode'])}"
        viewer = session.viewer

        async def doors(destination: str, clock: str) -> DoorTime:
            medians = await self._doors.medians(viewer, destination)
            return door_time(clock, medians, fallback_minutes=self._doors.fallback_minutes)

        found = await self._platform.episode(session.token, name, doors=doors)
        return _json({**found, "now": datetime.now(UTC).isoformat()})

    @told_in_http
    async def beds(self, request: Request) -> Response:
        """The wards and beds of the facility that is asked for, else of the person's own.

        Who has none, such as an operator, and has chosen none yet, is shown none.
        """
        session = self._guard.session(request)
        facility = asked_facility(request) or session.actor.facility
        if not facility:
            return _json({"wards": [], "facility": "", "now": datetime.now(UTC).isoformat()})
        found = await self._platform.wards(session.token, facility)
        return _json({**found, "facility": facility, "now": datetime.now(UTC).isoformat()})

    @told_in_http
    async def bed_places(self, request: Request) -> Response:
        """Facilities whose wards the person may choose among: the community's; an operator's are all."""
        session = self._guard.session(request)
        actor = session.actor
        around = "" if actor.has_role(Role.OPERATOR) else actor.facility
        return _json(await self._platform.bed_places(session.token, around))


def _json(content: Resource) -> JSONResponse:
    return JSONResponse(content, headers={"cache-control": "no-store"})


def _uuid(text: Any) -> str:
    try:
        return str(UUID(str(text)))
    except ValueError as error:
        raise HTTPException(400, "not a UUID") from error
