"""Arrivals of a Poisson process: given rates and a seed, when they are drawn, then so many, and the same."""

from itertools import pairwise
from typing import Any

import pytest

from services.operator.bench.province.schedule import TooManyArrivals, arrivals, one_of_each

_PLACES: dict[str, Any] = {"counties": 3, "branches": 2, "arrivals_max": 100_000}


def test_as_many_come_as_the_rates_say_and_at_moments_of_their_own() -> None:
    found = arrivals({"a": 30.0, "b": 10.0}, seconds=100.0, seed="s", **_PLACES)
    counts = {course: sum(each.course == course for each in found) for course in "ab"}
    # Five standard deviations: a seed that is outside of these has not been drawn from this process.
    assert counts["a"] == pytest.approx(3_000, abs=5 * 3_000**0.5)
    assert counts["b"] == pytest.approx(1_000, abs=5 * 1_000**0.5)
    gaps = [later.at_s - earlier.at_s for earlier, later in pairwise(found)]
    mean = sum(gaps) / len(gaps)
    spread = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert all(gap >= 0 for gap in gaps)
    # What is evenly spaced has none, what is independent spreads as much as its mean.
    assert spread == pytest.approx(mean, rel=0.1)
    assert all(0 <= each.at_s < 100.0 for each in found)
    assert {(each.county, each.branch) for each in found} == {(c, b) for c in range(3) for b in range(2)}
    assert len({each.seed for each in found}) == len(found)


def test_the_same_seed_draws_the_same_and_another_course_moves_nothing() -> None:
    alone = arrivals({"a": 5.0}, seconds=20.0, seed="s", **_PLACES)
    beside = arrivals({"b": 7.0, "a": 5.0}, seconds=20.0, seed="s", **_PLACES)
    assert [each for each in beside if each.course == "a"] == list(alone)
    assert arrivals({"a": 5.0}, seconds=20.0, seed="t", **_PLACES) != alone
    # Two of the same rate do not come hand in hand.
    pairs = arrivals({"a": 5.0, "b": 5.0}, seconds=20.0, seed="s", **_PLACES)
    assert len({each.at_s for each in pairs}) == len(pairs)


def test_more_than_a_round_may_have_are_refused_before_any_begins() -> None:
    with pytest.raises(TooManyArrivals, match="2000 courses in 20 s"):
        arrivals({"a": 100.0}, seconds=20.0, seed="s", counties=1, branches=1, arrivals_max=1_999)


def test_one_of_each_begins_them_all() -> None:
    found = one_of_each(["a", "b", "c"], counties=2, branches=1, seed="s")
    assert [(each.course, each.at_s, each.county) for each in found] == [
        ("a", 0, 0),
        ("b", 0, 1),
        ("c", 0, 0),
    ]
