"""A course as it is played: when each call counts from, what is waited for, and what ends it."""

import asyncio
from itertools import pairwise
from typing import Any

import grpc
import pytest

from services.operator.bench.province.news import News
from services.operator.bench.province.playing import Hospitals, Player
from services.operator.bench.province.schedule import Arrival
from services.operator.bench.province.tally import Sent, Tally
from services.operator.rpc.methods import rpc_methods

_ID = "00000000-0000-4000-8000-000000000002"
_ALERTS = {
    "RequestConsultation": "CONSULTATION_REQUESTED",
    "ReportConsultation": "CONSULTATION_REPORTED",
}


class _Clock:
    """Stands still but for what answers take, and jumps when there is nothing to do but wait."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class _Services(Hospitals):
    """Answers each call after `takes_s`, and tells its alerts at once."""

    def __init__(self, clock: _Clock, news: News, *, takes_s: float, refused: str = "") -> None:
        super().__init__({}, {})
        self._clock, self._news, self._takes_s, self._refused = clock, news, takes_s, refused
        self.called: list[str] = []

    async def call(self, sent: Sent) -> bytes:
        self.called.append(sent.method)
        self._clock.now_s += self._takes_s
        if sent.method == self._refused:
            empty = grpc.aio.Metadata()
            raise grpc.aio.AioRpcError(
                grpc.StatusCode.FAILED_PRECONDITION, empty, empty, details="not in this state"
            )
        if sent.method in _ALERTS:
            self._news.tell(_ALERTS[sent.method], f"consultations/{_ID}", f"alerts/{_ID}")
        reply: Any = rpc_methods()[sent.method].response_type()
        for kind in ("consultation", "alert"):
            if kind in reply.DESCRIPTOR.fields_by_name:
                found = getattr(reply, kind)
                found.name, found.version = f"{kind}s/{_ID}", len(self.called)
        return bytes(reply.SerializeToString())


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    clock = _Clock()
    give_way = asyncio.sleep

    async def sleep(seconds: float) -> None:
        clock.now_s += seconds
        await give_way(0)

    monkeypatch.setattr("services.operator.bench.province.playing.asyncio.sleep", sleep)
    return clock


def _arrival(course: str, at_s: float = 2.0) -> Arrival:
    return Arrival(at_s=at_s, course=course, county=3, branch=1, seed="s")


async def _play(clock: _Clock, *, takes_s: float, refused: str = "") -> tuple[_Services, Tally]:
    news = News(clock)
    services = _Services(clock, news, takes_s=takes_s, refused=refused)
    player = Player(services, news, gap_s=0.2, clock=clock)
    return services, await player.play([_arrival("imaging")])


async def test_calls_come_in_their_order_when_they_are_due(clock: _Clock) -> None:
    services, tally = await _play(clock, takes_s=0.01)
    assert services.called == [
        "RequestConsultation",
        "AcknowledgeAlert",
        "ClaimConsultation",
        "GetConsultation",
        "ReportConsultation",
        "AcknowledgeAlert",
        "GetConsultation",
    ]
    due_s = [sent.due_s for sent in tally.sent]
    assert due_s[0] == pytest.approx(2.0)
    assert all(0.1 <= later - earlier <= 0.3 for earlier, later in pairwise(due_s))
    # Whoever is in time has waited for the answer alone.
    assert [ms for kind in tally.latencies_ms.values() for ms in kind] == pytest.approx([10.0] * 7)
    assert tally.effects_ms["alert"] == pytest.approx([10.0, 10.0])
    assert not tally.failures
    assert tally.sent[0].who == "prov-c03-b1/clinician"
    assert tally.versions == {f"consultations/{_ID}": 7, f"alerts/{_ID}": 6}


async def test_who_is_kept_from_calling_has_waited_since_it_was_due(clock: _Clock) -> None:
    _, tally = await _play(clock, takes_s=1.0)
    lags_ms = [ms for kind in tally.latencies_ms.values() for ms in kind]
    # Seven answers of a second each, of calls that were due within two: the last is five seconds late.
    assert max(lags_ms) == pytest.approx(7_000 - (tally.sent[-1].due_s - 2.0) * 1000)
    assert max(lags_ms) > 5_000


async def test_a_refused_call_ends_its_course_and_is_counted(clock: _Clock) -> None:
    services, tally = await _play(clock, takes_s=0.01, refused="ClaimConsultation")
    assert services.called[-1] == "ClaimConsultation"
    assert tally.failures == {"ClaimConsultation: FAILED_PRECONDITION not in this state": 1}


async def test_an_alert_that_never_comes_is_a_failure(clock: _Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_ALERTS, "RequestConsultation", "ANOTHER_RULE")
    monkeypatch.setattr("services.operator.bench.province.playing._NEWS_TIMEOUT_S", 0.01)
    _, tally = await _play(clock, takes_s=0.0)
    assert tally.failures == {"CONSULTATION_REQUESTED was not heard of within 0.01 s": 1}


async def test_the_same_calls_are_made_again_at_the_same_moments(clock: _Clock) -> None:
    _, played = await _play(clock, takes_s=0.05)
    news = News(clock)
    services = _Services(clock, news, takes_s=0.0)
    begun_s = clock.now_s
    again = await Player(services, news, gap_s=0.0, clock=clock).play_again(played.sent)
    assert [(sent.method, sent.data) for sent in again.sent] == [
        (sent.method, sent.data) for sent in played.sent
    ]
    assert services.called == [sent.method for sent in played.sent]
    assert clock.now_s == pytest.approx(begun_s + played.sent[-1].due_s)


async def test_news_are_heard_by_who_waits_and_by_who_asks_late(clock: _Clock) -> None:
    news = News(clock)
    waiting = asyncio.ensure_future(news.wait("OFFER", "referrals/1", 5.0))
    await asyncio.sleep(0)
    news.tell("OFFER", "referrals/1", "alerts/1")
    clock.now_s += 1.0
    news.tell("OFFER", "referrals/1", "alerts/2")
    assert (await waiting).value == (await news.wait("OFFER", "referrals/1", 5.0)).value == "alerts/1"
    assert (await waiting).at_s == 100.0
