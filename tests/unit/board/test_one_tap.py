"""The page of a link: looking does nothing, pressing acts once, and no wrong link learns anything."""

from collections.abc import AsyncIterator
from typing import Any, cast
from unittest.mock import AsyncMock

import httpx
import pytest

from services.board.adapters.cookie_seal import read_seal
from services.board.application.door_times import DoorTimes
from services.board.application.one_tap import Allowance
from services.board.application.platform import Platform, PlatformRefused, Refusal
from services.board.application.presence import Presence
from services.board.application.sessions import Sessions
from services.board.application.watching import Rhythm
from services.board.entrypoints.http.answering import Answers
from services.board.entrypoints.http.app import build_app
from services.board.entrypoints.http.guard import Guard
from services.board.entrypoints.http.one_tap import OneTapPages
from services.board.entrypoints.http.signing_in import SigningIn
from services.board.entrypoints.http.streams import Streams

CODE = "A" * 34 + "_"
FORM = {"content-type": "application/x-www-form-urlencoded"}


class FakeOneTap:
    """Links as the notification service keeps them."""

    def __init__(self) -> None:
        self.looked: list[str] = []
        self.answered: list[tuple[str, str, str]] = []
        self.refusal: Refusal | None = None
        self.headline = "急诊 卒中：转诊待接收"

    async def look(self, code: str) -> dict[str, Any]:
        self.looked.append(code)
        if self.refusal:
            raise PlatformRefused(self.refusal)
        return {
            "language": "zh",
            "headline": {"zh": self.headline, "en": "Emergency stroke"},
            "about": {"zh": "编号 0B9C12AB", "en": "Case 0B9C12AB"},
            "countdown": {"zh": "剩余 2 分钟", "en": "2 min left"},
            "actions": ["ACKNOWLEDGE", "ACCEPT", "DECLINE"],
            "decline_reasons": [{"code": "NO_BED", "text": {"zh": "无床", "en": "no bed"}}],
        }

    async def answer(self, code: str, action: str, reason: str) -> None:
        self.answered.append((code, action, reason))
        if self.refusal:
            raise PlatformRefused(self.refusal)


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def links() -> FakeOneTap:
    return FakeOneTap()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def client(links: FakeOneTap, clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    guard = Guard(sessions=Sessions(read_seal(None), lifetime_s=600, closed_max=10), https=True)
    board = cast(Platform, AsyncMock())
    app = build_app(
        guard,
        signing_in=SigningIn(guard, cast(Any, None)),
        streams=Streams(guard, board, cast(Any, None), Rhythm(heartbeat_s=1), streams_max=1),
        answers=Answers(
            guard,
            board,
            doors=DoorTimes(board, fallback_minutes=60),
            presence=Presence(board),
            heartbeat_s=1,
        ),
    )
    app.routes.extend(OneTapPages(links, Allowance(per_minute=20, clock=clock)).routes())
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="https://board.test"
    ) as found:
        yield found


async def press(client: httpx.AsyncClient, code: str = CODE, **fields: str) -> httpx.Response:
    return await client.post(f"/answer/{code}", data=fields)


async def test_looking_shows_what_is_asked_and_does_nothing(
    client: httpx.AsyncClient, links: FakeOneTap
) -> None:
    for method in ("GET", "HEAD"):
        answer = await client.request(method, f"/answer/{CODE}")
        assert answer.status_code == 200
    assert links.answered == []
    page = (await client.get(f"/answer/{CODE}")).text
    for said in ("转诊待接收", "编号 0B9C12AB", "剩余 2 分钟", "我来处理", "接收患者", "无床"):
        assert said in page
    english = (await client.get(f"/answer/{CODE}?lang=en")).text
    assert "2 min left" in english
    assert "no bed" in english


async def test_pressing_acts(client: httpx.AsyncClient, links: FakeOneTap) -> None:
    for fields in (
        {"action": "ACKNOWLEDGE"},
        {"action": "ACCEPT"},
        {"action": "DECLINE", "reason": "NO_BED"},
    ):
        assert (await press(client, **fields)).status_code == 200
    assert links.answered == [
        (CODE, "ACKNOWLEDGE", ""),
        (CODE, "ACCEPT", ""),
        (CODE, "DECLINE", "NO_BED"),
    ]


async def test_every_link_that_is_not_in_force_gets_one_page(
    client: httpx.AsyncClient, links: FakeOneTap
) -> None:
    links.refusal = Refusal.NOT_FOUND
    pages = {
        (await client.get(f"/answer/{code}")).text for code in (CODE, "B" * 35, "short", "C" * 200, "%3Cb%3E")
    }
    pages |= {(await press(client, code, action="ACCEPT")).text for code in (CODE, "short")}
    pages.add((await press(client, action="DESTROY")).text)
    pages.add((await client.post(f"/answer/{CODE}", json={"action": "ACCEPT"})).text)
    assert len(pages) == 1
    # What cannot be a code is not even asked for.
    assert set(links.looked) == {CODE, "B" * 35}


async def test_a_refusal_says_that_nothing_was_done(client: httpx.AsyncClient, links: FakeOneTap) -> None:
    links.refusal = Refusal.CONFLICT
    late = await press(client, action="ACCEPT")
    assert (late.status_code, "未生效" in late.text) == (409, True)
    links.refusal = Refusal.AWAY
    assert (await press(client, action="ACCEPT")).status_code == 503
    links.refusal = Refusal.INVALID
    assert "选择原因" in (await press(client, action="DECLINE")).text


async def test_guessing_is_slowed_down(client: httpx.AsyncClient, links: FakeOneTap, clock: Clock) -> None:
    links.refusal = Refusal.NOT_FOUND
    statuses = [(await client.get(f"/answer/{CODE}")).status_code for _ in range(25)]
    assert statuses == [404] * 20 + [429] * 5
    assert len(links.looked) == 20
    clock.now_s += 3
    assert (await client.get(f"/answer/{CODE}")).status_code == 404
    assert (await client.get(f"/answer/{CODE}")).status_code == 429


async def test_what_is_said_is_text_and_the_page_runs_nothing(
    client: httpx.AsyncClient, links: FakeOneTap
) -> None:
    links.headline = "<script>alert(1)</script>\"'"
    answer = await client.get(f"/answer/{CODE}")
    assert "<script" not in answer.text
    policy = answer.headers.get_list("content-security-policy")
    assert len(policy) == 1
    assert "script-src" not in policy[0]
    assert "default-src 'none'" in policy[0]
    assert "form-action 'self'" in policy[0]
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers


async def test_other_pages_keep_their_policy(client: httpx.AsyncClient) -> None:
    policy = (await client.get("/sign-in")).headers.get_list("content-security-policy")
    assert len(policy) == 1
    assert "form-action 'none'" in policy[0]


async def test_an_endless_form_is_not_read(client: httpx.AsyncClient, links: FakeOneTap) -> None:
    answer = await client.post(f"/answer/{CODE}", content=b"action=ACCEPT&x=" + b"a" * 100_000, headers=FORM)
    assert answer.status_code == 404
    assert links.answered == []
