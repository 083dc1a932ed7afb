"""Medians, percentiles and paired ratios."""

import pytest

from services.operator.bench.statistics import middle, paired_ratios, percentile


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [1.0, 2.0, 3.0, 4.0]
    assert [percentile(values, percent) for percent in (0, 25, 50, 75, 99, 100)] == [1, 1, 2, 3, 4, 4]


def test_the_middle_of_an_even_number_lies_between() -> None:
    assert middle([4.0, 1.0, 2.0, 3.0]) == 2.5


def test_each_turn_is_compared_with_its_own_baseline() -> None:
    # A disturbance that halves both leaves their ratio as it is.
    assert paired_ratios([50.0, 25.0], [100.0, 50.0]) == (0.5, 0.5)


@pytest.mark.parametrize(("ours", "baseline"), [([1.0], []), ([], []), ([1.0], [0.0])])
def test_what_does_not_pair_up_is_no_ratio(ours: list[float], baseline: list[float]) -> None:
    with pytest.raises(ValueError, match=r"rounds|nothing"):
        paired_ratios(ours, baseline)


def test_nothing_measured_has_no_middle_and_no_percentile() -> None:
    with pytest.raises(ValueError, match="no values"):
        middle([])
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)
