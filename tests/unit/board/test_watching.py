"""A page is never left in silence, and never told that all is well when nobody knows."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

from services.board.application.platform import Heard
from services.board.application.watching import (
    Kind,
    Rhythm,
    StreamBroken,
    StreamRefused,
    Told,
    watch,
)

FAST = Rhythm(heartbeat_s=0.01, silence_s=0.05, retry_s=0.001, retry_s_max=0.002)
Script = list[Any]


def heard(resource: str = "", resume_token: str = "") -> Heard:
    """A message about a resource of that name, or a sign of life."""
    return Heard(resource={"name": resource} if resource else None, event_type="", resume_token=resume_token)


class Service:
    """Plays one script for each connection; an exception in it is raised, `...` is silence."""

    def __init__(self, *scripts: Script) -> None:
        self._scripts = list(scripts)
        self.begun_at: list[str] = []
        self.open = 0

    async def begin(self, token: str) -> AsyncGenerator[Heard, None]:
        self.begun_at.append(token)
        script = self._scripts.pop(0)
        self.open += 1
        try:
            for each in script:
                if isinstance(each, Exception):
                    raise each
                if each is ...:
                    await asyncio.Event().wait()
                yield each
        finally:
            self.open -= 1


async def _told(
    service: Service,
    until: Callable[[list[Told]], bool],
    *,
    resume: str = "",
    is_signed_in: Callable[[], bool] = lambda: True,
) -> list[Told]:
    found: list[Told] = []
    stream = watch(service.begin, resume, FAST, is_signed_in=is_signed_in)
    async with asyncio.timeout(5):
        async for each in stream:
            found.append(each)
            if until(found):
                break
    await stream.aclose()
    return found


def _kinds(found: list[Told]) -> list[Kind]:
    """Without signs of life, whose number is chance."""
    return [each.kind for each in found if each.kind is not Kind.HEARTBEAT]


async def test_changes_come_through_in_order_with_their_tokens() -> None:
    service = Service([heard(resource="a", resume_token="1"), heard(resource="b", resume_token="2"), ...])
    found = await _told(service, lambda told: told[-1].resume_token == "2")
    changes = [each for each in found if each.kind is Kind.CHANGE]
    assert [(each.resource, each.resume_token) for each in changes] == [
        ({"name": "a"}, "1"),
        ({"name": "b"}, "2"),
    ]
    assert service.open == 0


async def test_a_fresh_picture_is_announced_and_a_resumed_one_is_not() -> None:
    fresh = await _told(Service([heard(resource="a", resume_token="1"), ...]), lambda told: len(told) > 1)
    assert fresh[0].kind is Kind.RESTART
    resumed = await _told(Service([heard(resource="b", resume_token="2"), ...]), bool, resume="1")
    assert resumed[0].kind is Kind.CHANGE


async def test_quiet_is_told_from_silence() -> None:
    service = Service([heard(resume_token="1"), ...])
    found = await _told(service, lambda told: told[-1].kind is Kind.OUTAGE)
    assert [each.kind for each in found].count(Kind.HEARTBEAT) >= 2


async def test_after_a_break_it_goes_on_where_it_was() -> None:
    service = Service(
        [heard(resource="a", resume_token="1"), StreamBroken()],
        [StreamBroken()],
        [heard(resource="b", resume_token="2"), ...],
    )
    found = await _told(service, lambda told: told[-1].resume_token == "2")
    assert service.begun_at == ["", "1", "1"]
    assert _kinds(found) == [Kind.RESTART, Kind.CHANGE, Kind.OUTAGE, Kind.OUTAGE, Kind.CHANGE]


async def test_a_stream_that_just_ends_is_begun_again() -> None:
    service = Service([heard(resource="a", resume_token="1")], [heard(resource="b", resume_token="2"), ...])
    await _told(service, lambda told: told[-1].resume_token == "2")
    assert service.begun_at == ["", "1"]


async def test_a_token_that_is_no_longer_good_costs_a_fresh_picture() -> None:
    service = Service([StreamRefused(token_is_bad=True)], [heard(resource="a", resume_token="9"), ...])
    found = await _told(service, lambda told: told[-1].resume_token == "9", resume="old")
    assert service.begun_at == ["old", ""]
    assert _kinds(found) == [Kind.RESTART, Kind.CHANGE]


async def test_who_may_not_look_is_told_so_and_the_stream_ends() -> None:
    service = Service([StreamRefused(token_is_bad=False)])
    found = await _told(service, lambda told: False)
    assert found[-1].kind is Kind.REFUSED


async def test_signing_out_ends_a_quiet_stream() -> None:
    signed_in = iter([True, True, False])
    service = Service([heard(resource="a", resume_token="1"), ...])
    found = await _told(service, lambda told: False, is_signed_in=lambda: next(signed_in, False))
    assert found[-1].kind is Kind.REFUSED
    assert service.open == 0


async def test_signing_out_ends_the_tries_to_reach_a_service_that_is_away() -> None:
    service = Service([StreamBroken()])
    found = await _told(service, lambda told: False, is_signed_in=lambda: False)
    assert found[-1].kind is Kind.REFUSED
