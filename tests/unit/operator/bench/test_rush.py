"""What is counted when many ask for one bed."""

from random import Random

import pytest

from services.operator.bench.jobs.rush import WON, Answer, Tally, hold_request


def test_winners_and_refusals_are_counted_apart_and_each_from_the_beginning_of_its_rush() -> None:
    tally = Tally()
    holds = tally.count([Answer(outcome=WON, answered_s=1.010, hold="h"), _refused(1.030)], begun_s=1.0)
    assert holds == ["h"]
    assert tally.count([Answer(outcome=WON, answered_s=2.020, hold="i"), _refused(2.040)], begun_s=2.0) == [
        "i"
    ]

    found = tally.summary()
    assert (found["rushes"], found["wrong"]) == (2, 0)
    assert found["outcomes"] == {WON: 2, "NO_FREE_BED": 2}
    assert found["latency_ms_p99"] == pytest.approx(40)
    assert found["won_ms_p50"] == pytest.approx(10)
    # Four calls in the thirty and the forty milliseconds that the two rushes took.
    assert found["per_second"] == pytest.approx(4 / 0.070)


def test_a_bed_for_nobody_and_a_bed_for_two_are_wrong() -> None:
    tally = Tally()
    tally.count([_refused(1.1)], begun_s=1.0)
    tally.count([Answer(outcome=WON, answered_s=2.1, hold=name) for name in "ab"], begun_s=2.0)
    assert tally.summary()["wrong"] == 2


def test_every_request_is_of_another_referral() -> None:
    random = Random("seed")
    found = [hold_request("f", random) for _ in range(100)]
    assert (
        len({request.referral for request in found}) == len({request.request_id for request in found}) == 100
    )
    assert hold_request("f", Random("seed")).referral == found[0].referral


def _refused(answered_s: float) -> Answer:
    return Answer(outcome="NO_FREE_BED", answered_s=answered_s)
