"""Ratios, promises, and what falls short of them."""

from services.operator.bench.figures import shortfalls
from services.operator.bench.report import shortfall_lines
from tests.unit.operator.bench.sample_report import ratio, reading, section


def test_a_ratio_is_the_median_of_its_turns() -> None:
    assert ratio(None).by_turn == (0.4, 0.5, 0.6)
    assert ratio(None).median == 0.5
    assert ratio(None).key == "ours/echo"


def test_a_promise_holds_at_its_bound() -> None:
    assert ratio(0.5).is_met
    assert not ratio(0.51).is_met
    assert reading(600).is_met
    assert not reading(599).is_met


def test_what_is_not_promised_cannot_fall_short() -> None:
    assert shortfalls([section()]) == ()


def test_everything_that_falls_short_is_named_with_its_promise() -> None:
    assert shortfall_lines([section(at_least=0.8, at_most=500)]) == [
        "commands ours/echo: 0.5, promised >= 0.8",
        "commands pss: 600, promised <= 500 MiB",
    ]
