"""What is promised of alerts at which rate, and how the rate is given."""

import pytest
from typer.testing import CliRunner

from services.operator.bench.whole_stack_bench import alert_section
from services.operator.main import app

_FOUND = {
    "alerts": 4000,
    "alert_ms_p50": 20.0,
    "alert_ms_p99": 70.0,
    "answer_ms_p50": 5.0,
    "answer_ms_p99": 15.0,
}


@pytest.mark.parametrize(
    ("rate", "p50_at_most", "p99_at_most", "missed"),
    [
        (50.0, 25.0, 100.0, []),
        (200.0, None, 40.0, ["alert_ms_p99"]),
        (201.0, None, None, []),
    ],
)
def test_each_rate_is_held_against_what_is_promised_of_it(
    rate: float, p50_at_most: float | None, p99_at_most: float | None, missed: list[str]
) -> None:
    readings = {reading.key: reading for reading in alert_section(_FOUND, rate).readings}
    assert readings["alert_ms_p50"].at_most == p50_at_most
    assert readings["alert_ms_p99"].at_most == p99_at_most
    assert [reading.key for reading in readings.values() if not reading.is_met] == missed
    assert readings["rate"].value == rate


@pytest.mark.parametrize("given", ["0", "1001"])
def test_a_rate_that_nobody_means_is_refused_before_anything_starts(given: str) -> None:
    done = CliRunner().invoke(app, ["bench", "--only", "alerts", "--alerts-per-second", given])
    assert done.exit_code == 2
    assert "--alerts-per-second" in done.output
