"""Ratios, promises, and what falls short of them."""

from services.operator.bench.figures import Reading, Section, shortfalls
from services.operator.bench.reading_bench import _terms
from services.operator.bench.report import shortfall_lines
from services.shared.kernel.text import BilingualText
from tests.unit.operator.bench.sample_report import ratio, reading, section

BOTH = BilingualText(zh="读取", en="reading")

BOTH = BilingualText(zh="读取", en="reading")


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


def test_a_size_that_the_promise_is_not_made_for_proves_nothing() -> None:
    def of(referrals: float) -> Section:
        latency = Reading(key="get_ms_p99", title=BOTH, unit="ms", value=3.0, at_most=20.0)
        size = Reading(key="referrals", title=BOTH, unit="", value=referrals, at_least=1_000_000)
        return Section(key="reading", title=BOTH, readings=(latency, size))

    assert shortfalls([of(1_000_000)]) == ()
    (short,) = shortfalls([of(20_000)])
    assert (short.key, short.value, short.promised) == ("referrals", 20_000, ">= 1,000,000")


def test_the_reading_bench_says_what_its_latencies_hold_for() -> None:
    size, callers = _terms(20_000)
    assert (size.value, size.is_met, callers.value, callers.is_met) == (20_000, False, 1, True)
    assert _terms(1_000_000)[0].is_met
