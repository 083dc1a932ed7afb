"""Rates counted in one place, scaled to provinces: given what was counted, then so many a second."""

import pytest

from services.operator.bench.province.courses import COURSES, calls_of
from services.operator.bench.province.mix import calls_per_second, packaged_mix, read_mix

_YEAR_S = 365.25 * 86_400

_MIX = """
province:
  counties: {value: 50, source: counted on a map, synthetic: false}
  busiest_hour_share: {value: 0.25, source: made up for a test, synthetic: true}
rates:
  emergency:
    counted: {count: 9000, months: 6, counties: 3, source: a county's report, synthetic: false}
    share: {value: 0.5, source: a county's report, synthetic: false}
  look:
    counted: {count: 120, months: 12, counties: 1, source: a county's report, synthetic: false}
    share: {value: 1, source: made up for a test, synthetic: true}
  ecg:
    counted: {count: 120, months: 12, counties: 1, source: nobody said when, synthetic: true}
    share: {value: 1, source: a county's report, synthetic: false}
"""


def test_a_rate_is_scaled_by_months_counties_share_and_the_busiest_hour() -> None:
    # Given 9,000 in half a year in three counties, half of which count, and a quarter of a day in an hour.
    mix = read_mix(_MIX)
    # When two provinces of fifty counties are at it,
    found = mix.per_second(provinces=2)
    # then there are 3,000 a year and county, a hundred counties, and six times as many as on average.
    assert found["emergency"] == pytest.approx(3_000 / _YEAR_S * 100 * 6)
    assert found["look"] == pytest.approx(120 / _YEAR_S * 100 * 6)


def test_a_rate_is_made_up_when_any_part_of_it_is() -> None:
    mix = read_mix(_MIX)
    assert {name: rate.is_synthetic for name, rate in mix.rates.items()} == {
        "emergency": False,
        "look": True,
        "ecg": True,
    }


def test_calls_are_counted_with_the_courses_that_they_belong_to() -> None:
    assert calls_per_second({"a": 2.0, "b": 0.5}, {"a": 10, "b": 4}) == pytest.approx(22.0)
    with pytest.raises(KeyError, match="c"):
        calls_per_second({"c": 1.0}, {"a": 10})


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("months: 6", "months: 0", "months"),
        ("value: 0.5", "value: 1.5", "value"),
        ("source: a county's report, synthetic: false}\n    share", "synthetic: false}\n    share", "source"),
        ("source: counted on a map, ", 'source: "", ', "source"),
        (", synthetic: true}\nrates", "}\nrates", "busiest_hour_share"),
        ("count: 9000", "number: 9000", "number"),
        ("rates:", "rates: {}\nnothing:", "rates"),
        ("province:", "province: [", "flow"),
    ],
)
def test_a_rate_without_source_or_sense_is_refused(old: str, new: str, said: str) -> None:
    assert old in _MIX
    with pytest.raises(ValueError, match=said):
        read_mix(_MIX.replace(old, new, 1))


def test_the_packaged_mix_has_a_rate_for_every_course() -> None:
    assert packaged_mix().rates.keys() == COURSES.keys()


def test_the_facts_of_the_packaged_mix_are_those_of_the_reports() -> None:
    counted = {name: rate.counted for name, rate in packaged_mix().rates.items()}
    facts = {name: (each.count, each.months) for name, each in counted.items() if not each.synthetic}
    assert facts == {
        "stroke": (145, 16),
        "emergency": (10_000, 8),
        "outpatient": (24_000, 8),
        "back": (34_000, 8),
        "bed_by_telephone": (10_000, 8),
    }
    # Of Hinggan's totals no period is known: a rate made of them is made up.
    totals = {name: counted[name].count for name in ("ecg", "imaging", "laboratory")}
    assert totals == {"ecg": 47_000, "imaging": 41_000, "laboratory": 48_000}
    assert all(counted[name].synthetic for name in totals)


def test_what_a_province_comes_to_is_what_the_documentation_says() -> None:
    lives = packaged_mix().per_second(provinces=1)
    calls = {name: calls_of(name).total() for name in COURSES}
    referred = sum(lives[name] for name in ("stroke", "emergency", "outpatient", "back"))
    asked = sum(lives[name] for name in ("ecg", "imaging", "laboratory"))
    assert referred == pytest.approx(0.034, abs=0.0005)
    assert asked == pytest.approx(0.207, abs=0.0005)
    assert calls_per_second(lives, calls) == pytest.approx(4.36, abs=0.01)
