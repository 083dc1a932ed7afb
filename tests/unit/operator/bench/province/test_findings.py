"""What rounds come to: how much one machine carries, latencies of all rounds, and the echo beside them."""

import pytest

from services.operator.bench.plan import Plan
from services.operator.bench.province.courses import COURSES
from services.operator.bench.province.findings import Findings, Turn, provinces_carried, section_of
from services.operator.bench.province.tally import KINDS, kind_of
from services.operator.bench.worker_process import BenchFailed


def _turn(command_ms: list[float], bare_ms: list[float]) -> Turn:
    return Turn(
        played={
            "latencies_ms": {"command": command_ms, "list": [1.0]},
            "effects_ms": {"alert": [30.0]},
            "courses": 2,
        },
        bare={"latencies_ms": {"command": bare_ms}},
        played_s=12.0,
        drained_s=0.5 * len(command_ms),
        processor_s={"kafka": 1.0, "postgres": 1.0, "referral": 4.0, "bed": 1.0, "notification": 3.0},
    )


def test_the_processors_carry_what_they_have_time_for() -> None:
    # Given twenty provinces' ten seconds, which took ten of two processors: then they are half at work.
    even = {"postgres": 4.0, "referral": 3.0, "notification": 3.0}
    assert provinces_carried(20, 10.0, even, cores=2) == pytest.approx(40)
    # One service cannot have more than one of them; a database can.
    assert provinces_carried(20, 10.0, {"postgres": 1.0, "referral": 8.0}, cores=2) == pytest.approx(25)
    assert provinces_carried(20, 10.0, {"postgres": 8.0, "referral": 1.0}, cores=2) == pytest.approx(
        200 / 4.5
    )
    with pytest.raises(BenchFailed, match="no time"):
        provinces_carried(20, 10.0, {"postgres": 0.0}, cores=2)


def test_rounds_are_told_together_and_beside_their_echo() -> None:
    turns = [_turn([10.0, 20.0], [2.0, 4.0]), _turn([30.0], [5.0])]
    plan = Plan(provinces=2.0, province_seconds=10.0)
    found = section_of(Findings(plan=plan, turns=turns, created=7, stored=7, memory=()))
    readings = {reading.key: reading.value for reading in found.readings}
    assert readings["command_ms_p50"] == 20.0
    assert readings["command_ms_p99"] == 30.0
    assert readings["list_ms_p50"] == 1.0
    assert readings["alert_ms_p99"] == 30.0
    assert "bed_ms_p50" not in readings, "no call of a kind has no figure"
    assert readings["courses"] == 4
    assert readings["calls"] == 5
    assert readings["calls_per_second"] == pytest.approx(5 / 20)
    assert readings["drained_s"] == 1.0
    assert (readings["created"], readings["stored"]) == (7, 7)
    assert 0.9 < readings["synthetic_calls_share"] < 1.0
    p99 = {ratio.key: ratio.by_turn for ratio in found.ratios}["province_ms_p99/echo_ms_p99"]
    assert p99 == pytest.approx((20.0 / 4.0, 30.0 / 5.0))
    assert {curve.key for curve in found.curves} == {"command_ms", "list_ms", "all_ms", "echo_ms"}


def test_every_call_of_every_course_is_of_one_of_the_kinds() -> None:
    assert {kind_of(step.method) for steps in COURSES.values() for step in steps} == set(KINDS)
