"""Whose beds a person is shown, and whose they may choose among."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, cast

import httpx
import pytest

from services.board.adapters.bed_places import BedPlaces
from services.board.adapters.cookie_seal import read_seal
from services.board.application.door_times import DoorTimes
from services.board.application.platform import Platform, PlatformRefused, Refusal, Resource
from services.board.application.presence import Presence
from services.board.application.sessions import Sessions
from services.board.application.watching import Rhythm
from services.board.entrypoints.http.answering import Answers
from services.board.entrypoints.http.app import build_app
from services.board.entrypoints.http.guard import Guard
from services.board.entrypoints.http.signing_in import SigningIn
from services.board.entrypoints.http.streams import Streams
from services.shared.kernel.actor import Actor, Role
from tierlink.bed.v1 import bed_service_pb2
from tierlink.referral.v1 import directory_service_pb2

from .test_http import PAGE, PERSON, TOKEN, FakeAuthenticator


class FakePlatform:
    """Notes what is asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def wards(self, token: str, facility: str) -> Resource:
        self.asked.append((token, facility))
        return {"wards": [{"id": "icu"}], "stale_after_s": 28800.0}

    async def bed_places(self, token: str, facility: str) -> Resource:
        self.asked.append((token, facility))
        return {"facilities": [], "communities": {}}


@asynccontextmanager
async def signed_in(platform: FakePlatform, person: Actor) -> AsyncIterator[httpx.AsyncClient]:
    guard = Guard(sessions=Sessions(read_seal(None), lifetime_s=600, closed_max=10), https=True)
    board = cast(Platform, platform)
    rhythm = Rhythm(heartbeat_s=1)
    doors, presence = DoorTimes(board, fallback_minutes=60), Presence(board)
    app = build_app(
        guard,
        signing_in=SigningIn(guard, FakeAuthenticator(person)),
        streams=Streams(guard, cast(Any, _NoStreams()), cast(Any, None), rhythm, streams_max=1),
        answers=Answers(guard, board, doors=doors, presence=presence, heartbeat_s=1),
    )
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="https://board.test") as client:
        answer = await client.post("/api/session", json={"token": TOKEN}, headers=PAGE)
        assert answer.status_code == 201
        yield client


class _NoStreams:
    watch_alerts = watch_referrals = None


async def test_the_beds_shown_are_the_chosen_facility_s_else_one_s_own() -> None:
    platform = FakePlatform()
    async with signed_in(platform, PERSON) as client:
        for query, facility in (("", "jimsar-general"), ("?facility=jimsar-town", "jimsar-town")):
            answer = (await client.get(f"/api/beds{query}")).json()
            assert (answer["facility"], answer["stale_after_s"]) == (facility, 28800.0)
    assert platform.asked == [(TOKEN, "jimsar-general"), (TOKEN, "jimsar-town")]


async def test_who_has_no_facility_is_shown_none_until_one_is_chosen() -> None:
    platform = FakePlatform()
    async with signed_in(platform, replace(PERSON, facility="")) as client:
        answer = await client.get("/api/beds")
        assert (answer.status_code, answer.json()["wards"]) == (200, [])
        # A stream without a facility would tell of all of them.
        assert (await client.get("/events?parts=beds")).status_code == 400
        assert platform.asked == []
        assert (await client.get("/api/beds?facility=jimsar-town")).json()["wards"] == [{"id": "icu"}]


@pytest.mark.parametrize(
    ("person", "around"),
    [
        (PERSON, "jimsar-general"),
        (replace(PERSON, roles=(Role.COORDINATOR,)), "jimsar-general"),
        (replace(PERSON, roles=(Role.OPERATOR,)), ""),
        (replace(PERSON, facility="", roles=(Role.COORDINATOR,)), ""),
    ],
)
async def test_people_choose_in_their_community_and_operators_everywhere(person: Actor, around: str) -> None:
    platform = FakePlatform()
    async with signed_in(platform, person) as client:
        assert (await client.get("/api/bed-places")).status_code == 200
    assert platform.asked == [(TOKEN, around)]


#: Two communities, and a city hospital of none.
FACILITIES = {"a1": "a", "a2": "a", "b1": "b", "city": ""}


class FakeDirectory:
    async def GetFacility(self, request: Any, **_: Any) -> Any:  # noqa: N802
        if request.id not in FACILITIES:
            raise PlatformRefused(Refusal.NOT_FOUND)
        found = {"id": request.id, "community": FACILITIES[request.id]}
        return directory_service_pb2.GetFacilityResponse(facility=found)

    async def ListFacilities(self, request: Any, **_: Any) -> Any:  # noqa: N802
        found = [
            {"id": each, "community": community}
            for each, community in FACILITIES.items()
            if not request.community or request.community == community
        ]
        # Pages of one.
        at = int(request.page_token or 0)
        after = str(at + 1) if at + 1 < len(found) else ""
        return directory_service_pb2.ListFacilitiesResponse(
            facilities=found[at : at + 1], next_page_token=after
        )

    async def ListCommunities(self, request: Any, **_: Any) -> Any:  # noqa: N802
        return directory_service_pb2.ListCommunitiesResponse(communities=[{"id": "a"}, {"id": "b"}])


class FakeBeds:
    def __init__(self, refusal: Refusal | None = None) -> None:
        self._refusal = refusal

    async def GetAvailability(self, request: Any, **_: Any) -> Any:  # noqa: N802
        if self._refusal is not None:
            raise PlatformRefused(self._refusal)
        found = [
            {"facility": "a1", "bed_type": bed_type, "counts": {"beds": beds}}
            for bed_type, beds in (("BED_TYPE_ICU", 8), ("BED_TYPE_CCU", 4))
            if "a1" in request.facilities
        ]
        return bed_service_pb2.GetAvailabilityResponse(availabilities=found)


@pytest.mark.parametrize(
    ("own", "ids"),
    [
        ("a2", ["a1", "a2"]),
        ("city", ["city"]),
        ("unknown", []),
        ("", ["a1", "a2", "b1", "city"]),
    ],
)
async def test_places_are_the_community_s_or_all(own: str, ids: list[str]) -> None:
    found = await BedPlaces(FakeDirectory(), FakeBeds()).around(TOKEN, own)
    assert [each["id"] for each in found["facilities"]] == ids
    assert found["communities"].keys() == {"a", "b"}


async def test_beds_are_counted_and_not_known_is_not_none() -> None:
    found = await BedPlaces(FakeDirectory(), FakeBeds()).around(TOKEN, "a2")
    assert {each["id"]: each["beds"] for each in found["facilities"]} == {"a1": 12, "a2": 0}
    found = await BedPlaces(FakeDirectory(), FakeBeds(Refusal.AWAY)).around(TOKEN, "a2")
    assert {each["id"]: each["beds"] for each in found["facilities"]} == {"a1": None, "a2": None}
    with pytest.raises(PlatformRefused):
        await BedPlaces(FakeDirectory(), FakeBeds(Refusal.FAULT)).around(TOKEN, "a2")
