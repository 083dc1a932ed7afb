"""What falls, what holds, and the file of what is kept."""

import json
from pathlib import Path

import pytest

from services.operator.bench.figures import Ratio, Section
from services.operator.bench.guarding import Verdict, judged, keep, kept_document, read_kept
from services.operator.bench.plan import Plan
from services.operator.bench.worker_process import BenchFailed
from services.operator.commands.bench_guard import GUARDED, KEPT, line
from services.shared.kernel.text import BilingualText
from tests.unit.operator.bench.sample_report import report, rounds


def measured(*turns: float) -> Section:
    ours = rounds("ours", *(100 * turn for turn in turns))
    baseline = rounds("echo", *(100.0 for _ in turns))
    title = BilingualText(zh="代价", en="cost")
    return Section(key="cost", title=title, ratios=(Ratio(ours=ours, baseline=baseline),))


def verdict(*sections: Section) -> Verdict:
    (only,) = judged(keep([measured(0.5, 0.6, 0.7)]), sections)
    return only


@pytest.mark.parametrize(
    ("found", "has_fallen"), [(0.6, False), (0.9, False), (0.41, False), (0.39, True), (0.01, True)]
)
def test_a_ratio_falls_when_a_third_is_gone(found: float, has_fallen: bool) -> None:
    assert verdict(measured(found, found, found)).has_fallen is has_fallen


def test_one_bad_turn_is_no_fall() -> None:
    assert not verdict(measured(0.01, 0.6, 0.6)).has_fallen


def test_measured_again_the_best_median_counts() -> None:
    assert not verdict(measured(0.1, 0.1, 0.1), measured(0.6, 0.6, 0.6)).has_fallen
    assert verdict(measured(0.1, 0.1, 0.1), measured(0.2, 0.2, 0.2)).has_fallen


def test_a_ratio_that_nobody_measures_any_more_has_fallen() -> None:
    lost = verdict()
    assert lost.has_fallen
    assert "not measured" in line(lost)


def test_a_line_has_all_that_one_needs_to_know() -> None:
    said = line(verdict(measured(0.3, 0.3, 0.3)))
    assert said == "cost ours/echo: 0.300, kept 0.600 (0.500 to 0.700), least 0.400: FELL"


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    kept = keep([measured(0.5, 0.6, 0.7)])
    file = tmp_path / "kept.json"
    file.write_text(
        json.dumps(kept_document(kept, report().machine, Plan(), "2026-01-01T00:00:00Z")), "utf-8"
    )
    assert read_kept(file) == kept


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"schema": "tierlink.bench.guard/2", "ratios": []}',
        '{"schema": "tierlink.bench.guard/1", "ratios": []}',
        '{"schema": "tierlink.bench.guard/1", "ratios": [{"name": "x"}]}',
    ],
)
def test_a_file_that_would_let_everything_pass_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "kept.json"
    file.write_text(content, "utf-8")
    with pytest.raises(BenchFailed):
        read_kept(file)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchFailed):
        read_kept(tmp_path / "none.json")


def test_the_ratios_that_come_with_tierlink_are_of_what_the_guard_measures() -> None:
    kept = read_kept(KEPT)
    assert {each.section for each in kept} == {bench.value for bench in GUARDED}
    assert all(each.lowest <= each.median <= each.highest for each in kept)
    assert json.loads(KEPT.read_text("utf-8"))["machine"]["cores"] >= 1
