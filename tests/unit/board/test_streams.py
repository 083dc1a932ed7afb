"""What pages are told on their one wire: each part by its name, and a place to go on from for all of them."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import parse_qsl

import httpx
import orjson
import pytest
from starlette.requests import Request

from services.board.adapters.cookie_seal import read_seal
from services.board.application.platform import Heard
from services.board.application.sessions import Sessions
from services.board.application.watching import Rhythm, StreamBroken, StreamRefused
from services.board.entrypoints.http.app import build_app
from services.board.entrypoints.http.guard import COOKIE, Guard
from services.board.entrypoints.http.signing_in import SigningIn
from services.board.entrypoints.http.slow_pages import PageStream
from services.board.entrypoints.http.streams import Streams
from services.shared.kernel.actor import Actor, Role

from .test_http import PAGE, PERSON, TOKEN, FakeAuthenticator

NOW = datetime.now(UTC)
#: An id that takes back the one before.
NOWHERE = "nowhere"
REFUSED = StreamRefused(token_is_bad=False)
#: A picture of one thing, and where to go on from.
Script = list[Heard | Exception]


class Services:
    """Say what they were given: of each part one stream after the other, then nothing."""

    def __init__(self, **parts: list[Script]) -> None:
        self._parts = parts
        #: part, token, where to go on from, facility
        self.asked: list[tuple[str, str, str, str]] = []

    def watch_alerts(self, token: str, resume_token: str) -> AsyncGenerator[Heard, None]:
        return self._say("alerts", token, resume_token)

    def watch_referrals(self, token: str, resume_token: str) -> AsyncGenerator[Heard, None]:
        return self._say("referrals", token, resume_token)

    def watch(self, token: str, facility: str, resume_token: str) -> AsyncGenerator[Heard, None]:
        return self._say("beds", token, resume_token, facility)

    async def _say(
        self, part: str, token: str, resume_token: str, facility: str = ""
    ) -> AsyncGenerator[Heard, None]:
        self.asked.append((part, token, resume_token, facility))
        scripts = self._parts.get(part, [])
        for each in scripts.pop(0) if scripts else [REFUSED]:
            if isinstance(each, Exception):
                raise each
            yield each


def heard(name: str, token: str = "") -> Heard:
    return Heard(resource={"name": name} if name else None, event_type="", resume_token=token)


def streams_of(services: Services, guard: Guard, *, streams_max: int = 2) -> Streams:
    rhythm = Rhythm(heartbeat_s=0.05, retry_s=0.001)
    board = cast(Any, services)
    return Streams(guard, board, board, rhythm, streams_max=streams_max)


class Site:
    """A board's process with a signed-in page."""

    def __init__(self, services: Services, *, person: Actor = PERSON, streams_max: int = 2) -> None:
        self.guard = Guard(sessions=Sessions(read_seal(None), lifetime_s=600, closed_max=10), https=True)
        self.streams = streams_of(services, self.guard, streams_max=streams_max)
        app = build_app(
            self.guard,
            signing_in=SigningIn(self.guard, FakeAuthenticator(person)),
            streams=self.streams,
            answers=cast(Any, _NoAnswers()),
        )
        self._transport = httpx.ASGITransport(app=app)

    async def get(self, path: str, *, last_id: str = "", is_signed_in: bool = True) -> httpx.Response:
        async with httpx.AsyncClient(transport=self._transport, base_url="https://board.test") as client:
            if is_signed_in:
                answer = await client.post("/api/session", json={"token": TOKEN}, headers=PAGE)
                assert answer.status_code == 201
            return await client.get(path, headers={"last-event-id": last_id} if last_id else {})

    async def told(self, parts: str, *, last_id: str = "", query: str = "") -> list[tuple[str, str, str]]:
        """Event, name of the resource and id of everything until the stream ends."""
        answer = await self.get(f"/events?parts={parts}{query}", last_id=last_id)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        blocks = answer.text.replace("\r\n", "\n").split("\n\n")
        return [_event(block) for block in blocks if block.strip()]


class _NoAnswers:
    def routes(self) -> list[Any]:
        return []


def _event(text: str) -> tuple[str, str, str]:
    lines = dict(line.split(": ", 1) for line in text.splitlines())
    content = orjson.loads(lines["data"])
    assert datetime.fromisoformat(content["now"]).tzinfo is not None
    last_id = lines["id"] or NOWHERE if "id" in lines else ""
    return lines["event"], content.get("resource", {}).get("name", ""), last_id


def _last_place(told: list[tuple[str, str, str]]) -> dict[str, str]:
    return dict(parse_qsl([last_id for _, _, last_id in told if last_id][-1]))


async def test_a_page_has_one_wire_and_each_part_its_name() -> None:
    services = Services(
        referrals=[[heard("referrals/1"), heard("", "r1"), REFUSED]],
        beds=[[heard("jimsar-general/ICU"), heard("", "b1"), REFUSED]],
        alerts=[[heard("alerts/1"), heard("", "a1"), StreamBroken()], [heard("alerts/2", "a2"), REFUSED]],
    )
    told = await Site(services).told("alerts,referrals,beds")
    assert told[0][:2] == ("alerts.heartbeat", "")
    assert {(event, name) for event, name, _ in told if event.endswith(".change")} == {
        ("alerts.change", "alerts/1"),
        ("alerts.change", "alerts/2"),
        ("referrals.change", "referrals/1"),
        ("beds.change", "jimsar-general/ICU"),
    }
    # The other parts' end is not the page's; its first part's is.
    assert "referrals.refused" in {event for event, _, _ in told[:-1]}
    assert "beds.refused" in {event for event, _, _ in told[:-1]}
    assert told[-1][0] == "alerts.refused"
    assert _last_place(told) == {"alerts": "a2", "referrals": "r1", "beds": "b1"}
    assert sorted(services.asked[:3]) == [
        ("alerts", TOKEN, "", ""),
        ("beds", TOKEN, "", "jimsar-general"),
        ("referrals", TOKEN, "", ""),
    ]
    assert services.asked[3] == ("alerts", TOKEN, "a1", "")


async def test_signs_of_life_are_those_of_the_leading_part() -> None:
    services = Services(
        referrals=[[heard("", "r1"), heard("", "r2"), heard("", "r3"), StreamBroken()], [heard("", "r4")]],
        alerts=[[heard("", "a1"), StreamBroken()], [heard("", "a2"), StreamBroken()], [REFUSED]],
    )
    told = await Site(services).told("alerts,referrals")
    events = [event for event, _, _ in told]
    # The other's once, and once more after it was cut off.
    assert events.count("referrals.heartbeat") == 2
    assert events.count("alerts.heartbeat") == 3
    ids = [last_id for _, _, last_id in told if last_id]
    assert "referrals=r4" in ids[-1]


async def test_a_page_goes_on_where_each_of_its_parts_was_and_begins_the_others_anew() -> None:
    services = Services(alerts=[[heard("alerts/9", "a9"), REFUSED]], beds=[[heard("x", "b9"), REFUSED]])
    site = Site(services)
    told = await site.told("alerts,beds,referrals", last_id="alerts=a7&beds=b%261&elsewhere=x")
    # Of a process that was started anew nobody knows the places: each part says that it begins again.
    assert [event for event, _, _ in told].count("alerts.restart") == 1
    assert told[0] == ("alerts.heartbeat", "", "alerts=a7&beds=b%261")
    assert _last_place(told) == {"alerts": "a9", "beds": "b9"}
    for last_id in ("of another server", "alerts", "&&&", "alerts=" + "x" * 5_000, "=" * 20_000):
        refused = await Site(Services()).told("alerts", last_id=last_id)
        assert refused[-1][0] == "alerts.refused"


async def test_a_picture_that_was_cut_off_has_no_place_to_go_on_from() -> None:
    services = Services(alerts=[[heard("alerts/1"), StreamBroken()], [heard("alerts/1"), REFUSED]])
    told = await Site(services).told("alerts", last_id="alerts=old")
    # What was known before is void from the first new word on.
    assert [last_id for _, _, last_id in told if last_id] == ["alerts=old", NOWHERE]


async def test_a_page_that_shows_a_neighbours_beds_is_told_of_the_neighbour() -> None:
    services = Services(beds=[[heard("jimsar-town/ICU"), REFUSED]])
    told = await Site(services).told("beds", query="&facility=jimsar-town")
    assert told[-1][0] == "beds.refused"
    assert services.asked == [("beds", TOKEN, "", "jimsar-town")]


@pytest.mark.parametrize("parts", ["", "alerts,alerts", "alerts,patients", "Alerts", "alerts,", "../api/me"])
async def test_there_are_no_other_parts(parts: str) -> None:
    answer = await Site(Services()).get(f"/events?parts={parts}")
    assert (answer.status_code, answer.json()) == (400, {"error": "NO_SUCH_PART"})


async def test_without_a_facility_nothing_is_told_of_all_beds() -> None:
    operator = Actor(user="op", name="op", facility="", roles=(Role.OPERATOR,))
    answer = await Site(Services(), person=operator).get("/events?parts=alerts,beds")
    assert (answer.status_code, answer.json()) == (400, {"error": "NO_FACILITY"})


async def test_strangers_are_not_let_in_nor_more_than_fit() -> None:
    assert (await Site(Services()).get("/events?parts=alerts", is_signed_in=False)).status_code == 401
    answer = await Site(Services(), streams_max=0).get("/events?parts=alerts")
    assert (answer.status_code, answer.json()) == (503, {"error": "TOO_MANY_STREAMS"})


async def test_a_stop_ends_it_with_its_next_word() -> None:
    site = Site(Services(alerts=[[heard("alerts/1"), heard("alerts/2")]]))
    site.streams.stop()
    told = await site.told("alerts")
    assert "alerts.refused" not in {event for event, _, _ in told}
    assert site.streams.open == 0


#: Colleagues of one facility and role, one of them with another role besides, and somebody of elsewhere.
LI, WU = replace(PERSON, user="li"), replace(PERSON, user="wu")
DESK = replace(PERSON, user="xu", roles=(Role.CLINICIAN, Role.BED_DESK))
STRANGER = replace(PERSON, user="zhang", facility="wucaiwan")


class Waiting(Services):
    """Streams that stay open, and count whose token each was begun with."""

    async def _say(
        self, part: str, token: str, resume_token: str, facility: str = ""
    ) -> AsyncGenerator[Heard, None]:
        self.asked.append((part, token, resume_token, facility))
        yield heard(f"{part} for {token}", "1")
        await asyncio.Event().wait()


async def test_people_share_what_they_may_see_alike_and_nobody_shares_what_is_recorded_by_person() -> None:
    services = Waiting()
    site = Site(services, streams_max=5)
    pages = [
        asyncio.create_task(_read(site, person, number))
        for number, person in enumerate((LI, LI, WU, DESK, STRANGER))
    ]
    async with asyncio.timeout(5):
        names = [await page for page in pages]
    begun = Counter((part, facility) for part, _, _, facility in services.asked)
    # Alerts by facility and roles, referrals by person, beds by facility.
    assert begun == {
        ("alerts", ""): 3,
        ("referrals", ""): 4,
        ("beds", "jimsar-general"): 1,
        ("beds", "wucaiwan"): 1,
    }
    li, li_again, wu, desk, stranger = names
    assert li == li_again
    assert li["alerts"] == wu["alerts"]
    assert len({each["referrals"] for each in (li, wu, desk, stranger)}) == 4
    assert len({each["alerts"] for each in (li, desk, stranger)}) == 3


async def _read(site: Site, person: Actor, number: int) -> dict[str, str]:
    """By part, what a page of this person is told first; it stays open until the others have begun."""
    session = site.guard.sessions.open(
        # Not the moment of the import: a session lasts ten minutes here, and a run of all tests longer.
        person,
        f"token of {person.user} {number}",
        now=datetime.now(UTC),
        token_expires_at=datetime.now(UTC) + timedelta(hours=1),
    )
    request = Request(
        {
            "type": "http",
            "method": "GET",
            "path": "/events",
            "query_string": b"parts=alerts,referrals,beds",
            "headers": [(b"cookie", f"{COOKIE}={site.guard.sessions.cookie_of(session)}".encode())],
        }
    )
    response = cast(PageStream, await site.streams.events(request))
    found: dict[str, str] = {}
    async with aclosing(cast(AsyncGenerator[bytes, None], response.body_iterator)) as events:
        async for data in events:
            for block in data.decode().split("\r\n\r\n"):
                event, name, _ = _event(block) if block.strip() else ("", "", "")
                if name:
                    found[event.removesuffix(".change")] = name
            if len(found) == 3:
                # Until the others have begun as well.
                await asyncio.sleep(0.2)
                return found
    raise AssertionError
