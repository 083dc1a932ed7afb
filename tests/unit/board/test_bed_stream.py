"""What a bed map is told: that it is in touch, which kind of bed to look at again, and when it is cut off."""

from collections.abc import AsyncGenerator, AsyncIterator
from datetime import datetime
from typing import Any, cast

import httpx
import orjson
import pytest

from services.board.adapters.cookie_seal import read_seal
from services.board.application.platform import Heard, Platform
from services.board.application.sessions import Sessions
from services.board.application.watching import Rhythm, StreamBroken, StreamRefused
from services.board.entrypoints.http.app import build_app
from services.board.entrypoints.http.bed_stream import BedStream
from services.board.entrypoints.http.guard import Guard
from services.board.entrypoints.http.signing_in import SigningIn
from services.board.entrypoints.http.streams import Streams

from .test_http import TOKEN, FakeAuthenticator, FakePlatform


class FakeNews:
    """Says what it was given, one stream after the other."""

    def __init__(self, *streams: list[Heard | Exception]) -> None:
        self._streams = list(streams)
        self.asked: list[tuple[str, str]] = []

    async def watch(self, token: str, facility: str, resume_token: str) -> AsyncGenerator[Heard, None]:
        assert token == TOKEN
        self.asked.append((facility, resume_token))
        for each in self._streams.pop(0):
            if isinstance(each, Exception):
                raise each
            yield each


def heard(kind: str, token: str = "") -> Heard:
    resource = {"facility": "jimsar-general", "bed_type": kind} if kind else None
    return Heard(resource=resource, event_type="AvailabilityChanged", resume_token=token)


@pytest.fixture
def guard() -> Guard:
    return Guard(sessions=Sessions(read_seal(None), lifetime_s=600, closed_max=10), https=True)


def stream(guard: Guard, news: FakeNews, *, streams_max: int = 1) -> BedStream:
    return BedStream(guard, news, Rhythm(heartbeat_s=1, retry_s=0.001), streams_max=streams_max)


async def client_of(guard: Guard, beds: BedStream) -> AsyncIterator[httpx.AsyncClient]:
    board = cast(Platform, FakePlatform())
    app = build_app(
        guard,
        signing_in=SigningIn(guard, FakeAuthenticator()),
        streams=Streams(guard, board, Rhythm(heartbeat_s=1), streams_max=1),
        answers=cast(Any, NoAnswers()),
    )
    app.routes.extend(beds.routes())
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="https://board.test"
    ) as client:
        yield client


class NoAnswers:
    def routes(self) -> list[Any]:
        return []


async def told(guard: Guard, beds: BedStream, query: str = "") -> list[tuple[str, Any, str]]:
    """Everything that a signed-in page is told until its stream ends."""
    async for client in client_of(guard, beds):
        answer = await client.post("/api/session", json={"token": TOKEN}, headers={"x-tierlink-page": "1"})
        assert answer.status_code == 201
        answer = await client.get(f"/events/beds{query}")
        assert answer.status_code == 200
        return [_event(part) for part in answer.text.replace("\r\n", "\n").split("\n\n") if part.strip()]
    raise AssertionError


def _event(text: str) -> tuple[str, Any, str]:
    lines = dict(line.split(": ", 1) for line in text.splitlines())
    content = orjson.loads(lines["data"])
    assert datetime.fromisoformat(content["now"]).tzinfo is not None
    return lines["event"], content.get("resource", {}).get("bed_type"), lines.get("id", "")


async def test_a_page_is_told_which_kind_of_bed_changed(guard: Guard) -> None:
    news = FakeNews([heard("ICU"), heard("", "t1"), heard("CCU", "t2"), StreamRefused(token_is_bad=False)])
    found = await told(guard, stream(guard, news))
    assert found == [
        ("heartbeat", None, ""),
        ("restart", None, ""),
        ("change", "ICU", ""),
        ("heartbeat", None, "t1"),
        ("change", "CCU", "t2"),
        ("refused", None, ""),
    ]
    assert news.asked == [("jimsar-general", "")]


async def test_a_page_that_shows_a_neighbour_is_told_of_the_neighbour(guard: Guard) -> None:
    news = FakeNews([heard("ICU"), StreamRefused(token_is_bad=False)])
    await told(guard, stream(guard, news), "?facility=jimsar-town")
    assert news.asked == [("jimsar-town", "")]


async def test_after_an_outage_it_goes_on_where_it_was(guard: Guard) -> None:
    news = FakeNews(
        [heard("", "t1"), StreamBroken()], [heard("ICU", "t2"), StreamRefused(token_is_bad=False)]
    )
    found = await told(guard, stream(guard, news))
    assert [kind for kind, _, _ in found] == [
        "heartbeat",
        "restart",
        "heartbeat",
        "outage",
        "change",
        "refused",
    ]
    assert news.asked == [("jimsar-general", ""), ("jimsar-general", "t1")]


async def test_a_stop_ends_it_with_its_next_word(guard: Guard) -> None:
    beds = stream(guard, FakeNews([heard("ICU"), heard("CCU")]))
    beds.stop()
    assert [kind for kind, _, _ in await told(guard, beds)] == ["heartbeat", "restart"]
    assert beds.open == 0


async def test_strangers_are_not_let_in_nor_more_than_fit(guard: Guard) -> None:
    beds = stream(guard, FakeNews(), streams_max=0)
    async for client in client_of(guard, beds):
        assert (await client.get("/events/beds")).status_code == 401
        await client.post("/api/session", json={"token": TOKEN}, headers={"x-tierlink-page": "1"})
        answer = await client.get("/events/beds")
        assert (answer.status_code, answer.json()) == (503, {"error": "TOO_MANY_STREAMS"})
