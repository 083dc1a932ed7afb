"""What a round counts, and from which moment on a command is timed."""

from typing import Any

import pytest

from services.operator.bench.jobs.alerts import AlertSender, AlertTimes
from services.operator.bench.jobs.load import Tally
from services.operator.bench.jobs.read import timed

_REFERRAL = b"\n\x10referrals/%08d-0000-4000-8000-000000000002"


def test_what_is_answered_after_the_round_does_not_count() -> None:
    tally = Tally(begun_s=10.0, seconds=1.0, answers_min=2)
    for sent_s, answered_s in ((10.0, 10.4), (10.0, 10.6), (10.4, 11.1)):
        tally.count(sent_s=sent_s, answered_s=answered_s)
    assert tally.is_over(11.1)
    found = tally.summary()
    assert (found["commands"], found["answered"]) == (2, 3)
    assert (found["seconds"], found["per_second"]) == (1.0, 2.0)


def test_a_round_in_which_too_few_were_answered_goes_on_and_says_how_long() -> None:
    tally = Tally(begun_s=10.0, seconds=0.2, answers_min=2)
    assert not tally.is_over(10.5)
    for answered_s in (10.6, 10.8, 10.9):
        tally.count(sent_s=10.0, answered_s=answered_s)
    assert tally.is_over(10.9)
    found = tally.summary()
    assert (found["commands"], found["answered"]) == (2, 3)
    assert (found["seconds"], found["per_second"]) == (pytest.approx(0.8), pytest.approx(2.5))
    assert found["latency_ms_p99"] == pytest.approx(800)


async def test_one_read_that_takes_longer_than_its_round_is_counted_by_what_it_took() -> None:
    read: list[str] = []

    async def one(item: str) -> None:
        read.append(item)

    found = await timed(one, ["a", "b"], seconds=0.0)
    assert read == ["a", "b", "a"], "two that do not count, and one that does"
    assert found["calls"] == 1
    assert found["per_second"] == pytest.approx(1000 / found["latency_ms_p50"])


class _Stalling:
    """A server, and a clock that stands still but for the second that each of its answers takes."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._answered = 0

    def clock(self) -> float:
        return self.now_s

    def unary_unary(self, _path: str) -> Any:
        async def answer(_data: bytes, **_named: Any) -> bytes:
            # Nobody else gets to work meanwhile: nothing is sent that becomes due.
            self.now_s += 1.0
            self._answered += 1
            return _REFERRAL % self._answered

        return answer


async def test_a_command_that_could_not_be_sent_when_it_was_due_has_waited_since() -> None:
    server, times = _Stalling(), AlertTimes()
    await AlertSender(server, "token", 1, server.clock).send(rate=1000, count=3, times=times)
    assert list(times.due_s.values()) == [0.0, 0.001, 0.002]
    assert times.answers_s == pytest.approx([1.0, 1.999, 2.998])
