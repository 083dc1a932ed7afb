"""The board's HTTP, without the services: who may in, and what no other page may send."""

from collections.abc import AsyncGenerator, AsyncIterator
from datetime import UTC, datetime
from typing import Any, cast
from uuid import uuid4

import httpx
import pytest

from services.board.adapters.cookie_seal import read_seal
from services.board.application.door_times import DoorTimes
from services.board.application.platform import Heard, Platform, PlatformRefused, Refusal, Resource
from services.board.application.presence import Presence
from services.board.application.sessions import Sessions
from services.board.application.watching import Rhythm, StreamRefused
from services.board.entrypoints.http.answering import Answers
from services.board.entrypoints.http.app import build_app
from services.board.entrypoints.http.guard import COOKIE, Guard
from services.board.entrypoints.http.signing_in import SigningIn
from services.board.entrypoints.http.streams import Streams
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.refusals import Unauthenticated
from services.shared.rpc.signing import generate_signing_key, sign_token

PERSON = Actor(user="jg-stroke", name="值班医师", facility="jimsar-general", roles=(Role.CLINICIAN,))
PAGE = {"x-tierlink-page": "1"}
TOKEN = sign_token(generate_signing_key(), PERSON, issued_at=datetime.now(UTC), lifetime_s=3600)
ALERT = f"/api/alerts/{uuid4()}/acknowledgement"


class FakeAuthenticator:
    """Knows one token."""

    def __init__(self, person: Actor = PERSON) -> None:
        self._person = person

    def remembered(self, token: str) -> Actor | None:
        return None

    async def verify(self, token: str) -> Actor:
        if token != TOKEN:
            raise Unauthenticated("WRONG_SIGNATURE", "no")
        return self._person


class FakePlatform:
    """Answers, or refuses with a code."""

    def __init__(self) -> None:
        self.refuses_with: Refusal | None = None
        self.acknowledged: list[tuple[str, str]] = []
        self.reported: list[tuple[str, str]] = []
        #: what is asked for with whose token: the person's own, and no other
        self.watched: list[str] = []

    async def watch_alerts(self, token: str, resume_token: str) -> AsyncGenerator[Heard, None]:
        self.watched.append(token)
        yield Heard(resource={"name": "alerts/1"}, event_type="", resume_token="t1")
        raise StreamRefused(token_is_bad=False)

    watch_referrals = watch_alerts

    async def watch(self, token: str, facility: str, resume_token: str) -> AsyncGenerator[Heard, None]:
        raise StreamRefused(token_is_bad=False)
        yield

    async def report_board(self, token: str, centre: str) -> None:
        if self.refuses_with is not None:
            raise PlatformRefused(self.refuses_with)
        self.reported.append((token, centre))

    async def centres(self, token: str) -> list[Resource]:
        return [{"code": "STROKE", "name": {"zh": "卒中中心", "en": "stroke centre"}}]

    async def acknowledge(self, token: str, name: str, request_id: str) -> Resource:
        if self.refuses_with is not None:
            raise PlatformRefused(self.refuses_with)
        self.acknowledged.append((name, request_id))
        return {"name": name}


@pytest.fixture
def platform() -> FakePlatform:
    return FakePlatform()


@pytest.fixture
async def client(platform: FakePlatform) -> AsyncIterator[httpx.AsyncClient]:
    guard = Guard(sessions=Sessions(read_seal(None), lifetime_s=600, closed_max=10), https=True)
    board = cast(Platform, platform)
    app = build_app(
        guard,
        signing_in=SigningIn(guard, FakeAuthenticator()),
        streams=Streams(guard, board, platform, Rhythm(heartbeat_s=1), streams_max=1),
        answers=Answers(
            guard,
            board,
            doors=DoorTimes(board, fallback_minutes=60),
            presence=Presence(board),
            heartbeat_s=1,
        ),
    )
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="https://board.test") as found:
        yield found


async def _sign_in(client: httpx.AsyncClient) -> dict[str, str]:
    """The headers of a page that may change something."""
    answer = await client.post("/api/session", json={"token": TOKEN}, headers=PAGE)
    assert answer.status_code == 201
    me = (await client.get("/api/me")).json()
    return {**PAGE, "x-csrf-token": me["csrf_token"]}


async def test_without_a_session_there_is_a_way_to_sign_in_and_nothing_else(
    client: httpx.AsyncClient,
) -> None:
    for page in ("/", "/beds"):
        answer = await client.get(page)
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    for path in ("/api/me", "/api/beds", f"/api/episodes/{uuid4()}", "/events?parts=alerts"):
        assert (await client.get(path)).status_code == 401
    assert (await client.post(ALERT, json={}, headers=PAGE)).status_code == 401


async def test_a_wrong_token_opens_no_session(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/session", json={"token": "wrong"}, headers=PAGE)
    assert answer.status_code == 401
    assert COOKIE not in client.cookies


async def test_the_cookie_is_for_this_site_and_no_script(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/session", json={"token": TOKEN}, headers=PAGE)
    attributes = answer.headers["set-cookie"].lower()
    for attribute in ("httponly", "samesite=strict", "secure", "path=/"):
        assert attribute in attributes


async def test_a_session_that_was_planted_is_replaced_and_ended_by_signing_in(
    client: httpx.AsyncClient,
) -> None:
    await _sign_in(client)
    planted = client.cookies[COOKIE]
    await _sign_in(client)
    assert client.cookies[COOKIE] != planted
    client.cookies.clear()
    again = await client.get("/api/me", headers={"cookie": f"{COOKIE}={planted}"})
    assert again.status_code == 401


async def test_signing_out_ends_the_session_also_for_who_kept_its_cookie(client: httpx.AsyncClient) -> None:
    headers = await _sign_in(client)
    kept = client.cookies[COOKIE]
    assert (await client.delete("/api/session", headers=headers)).status_code == 204
    client.cookies.clear()
    assert (await client.get("/api/me", headers={"cookie": f"{COOKIE}={kept}"})).status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        {"x-csrf-token": "guessed"},
        {"x-csrf-token": ""},
        {"x-tierlink-page": ""},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
async def test_no_other_sites_page_acts_in_a_persons_name(
    client: httpx.AsyncClient, platform: FakePlatform, change: dict[str, str]
) -> None:
    headers = await _sign_in(client)
    answer = await client.post(ALERT, json={"request_id": str(uuid4())}, headers={**headers, **change})
    assert answer.status_code == 403
    assert platform.acknowledged == []


async def test_no_other_sites_page_signs_a_person_in(client: httpx.AsyncClient) -> None:
    for headers in ({}, {**PAGE, "sec-fetch-site": "cross-site"}):
        answer = await client.post("/api/session", json={"token": TOKEN}, headers=headers)
        assert answer.status_code == 403


async def test_an_acknowledgement_carries_the_pages_request_id(
    client: httpx.AsyncClient, platform: FakePlatform
) -> None:
    headers = await _sign_in(client)
    request_id = str(uuid4())
    answer = await client.post(ALERT, json={"request_id": request_id}, headers=headers)
    assert answer.status_code == 200
    assert platform.acknowledged == [(ALERT.split("/")[3].join(["alerts/", ""]), request_id)]


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (Refusal.NOT_PERMITTED, 403),
        (Refusal.NOT_FOUND, 404),
        (Refusal.CONFLICT, 409),
        (Refusal.AWAY, 503),
        (Refusal.FAULT, 502),
    ],
)
async def test_what_a_service_refuses_is_told_without_its_words(
    client: httpx.AsyncClient, platform: FakePlatform, code: Refusal, status: int
) -> None:
    headers = await _sign_in(client)
    platform.refuses_with = code
    answer = await client.post(ALERT, json={"request_id": str(uuid4())}, headers=headers)
    assert (answer.status_code, answer.json()) == (status, {"error": code.value})


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"content": b"{", "headers": {"content-type": "application/json"}}, 400),
        ({"content": b"[]", "headers": {"content-type": "application/json"}}, 400),
        ({"json": {"request_id": "no uuid"}}, 400),
        ({"json": {}}, 400),
        ({"data": {"request_id": str(uuid4())}}, 415),
        ({"json": {"request_id": "x" * 20_000}}, 413),
    ],
)
async def test_a_body_is_what_it_should_be_or_nothing_happens(
    client: httpx.AsyncClient, platform: FakePlatform, body: dict[str, Any], status: int
) -> None:
    headers = await _sign_in(client)
    answer = await client.post(ALERT, **{**body, "headers": {**headers, **body.get("headers", {})}})
    assert answer.status_code == status
    assert platform.acknowledged == []


@pytest.mark.parametrize("path", ["/sign-in", "/texts.json", "/static/board.js", "/api/me", "/nowhere"])
async def test_every_answer_tells_the_browser_to_load_and_run_nothing_foreign(
    client: httpx.AsyncClient, path: str
) -> None:
    headers = (await client.get(path)).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert "strict-transport-security" in headers


async def test_no_path_leads_out_of_the_static_folder(client: httpx.AsyncClient) -> None:
    for path in ("/static/../settings.py", "/static/%2e%2e/settings.py", "/static//etc/passwd"):
        assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize("change", [{"x-csrf-token": "guessed"}, {"x-tierlink-page": ""}])
async def test_a_sign_of_life_comes_from_a_page_of_this_board_alone(
    client: httpx.AsyncClient, platform: FakePlatform, change: dict[str, str]
) -> None:
    assert (await client.post("/api/presence", json={}, headers=PAGE)).status_code == 401
    headers = await _sign_in(client)
    assert (await client.post("/api/presence", json={}, headers={**headers, **change})).status_code == 403
    assert platform.reported == []


async def test_many_pages_of_a_facility_are_one_word_to_the_service(
    client: httpx.AsyncClient, platform: FakePlatform
) -> None:
    headers = await _sign_in(client)
    platform.refuses_with = Refusal.AWAY
    assert (await client.post("/api/presence", json={}, headers=headers)).status_code == 503
    platform.refuses_with = Refusal.NOT_PERMITTED
    assert (await client.post("/api/presence", json={}, headers=headers)).status_code == 204
    platform.refuses_with = None
    for _ in range(20):
        assert (await client.post("/api/presence", json={}, headers=headers)).status_code == 204
    assert platform.reported == [(TOKEN, "")]
    # Another centre's screens are another word.
    for centre in ("STROKE", "STROKE", "CHEST_PAIN"):
        answer = await client.post("/api/presence", json={"centre": centre}, headers=headers)
        assert answer.status_code == 204
    assert platform.reported[1:] == [(TOKEN, "STROKE"), (TOKEN, "CHEST_PAIN")]


@pytest.mark.parametrize("centre", [7, ["STROKE"], "x" * 65])
async def test_a_centre_is_a_short_text(
    client: httpx.AsyncClient, platform: FakePlatform, centre: object
) -> None:
    headers = await _sign_in(client)
    answer = await client.post("/api/presence", json={"centre": centre}, headers=headers)
    assert answer.status_code == 400
    assert platform.reported == []


async def test_a_walls_address_says_its_centre_also_through_signing_in(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/centres")).status_code == 401
    answer = await client.get("/?centre=CHEST_PAIN%0d%0aSet-Cookie:x&next=//elsewhere.test")
    assert answer.headers["location"] == "/sign-in?centre=CHEST_PAIN%0D%0ASet-Cookie%3Ax"
    await _sign_in(client)
    found = (await client.get("/api/centres")).json()["centres"]
    assert [each["code"] for each in found] == ["STROKE"]
