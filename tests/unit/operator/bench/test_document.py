"""The names of the document: programs read them, so that none goes or changes by accident."""

from dataclasses import replace

import pytest
import typer

from services.operator.bench.figures import Curve, ProcessMemory
from services.operator.bench.memory_log import of_status
from services.operator.bench.report import SCHEMA, document
from services.operator.commands.bench import growth_sizes
from services.shared.kernel.text import BilingualText
from tests.unit.operator.bench.sample_report import report, section


def test_the_names_are_those_that_are_promised() -> None:
    title = BilingualText(zh="曲线", en="curve")
    curve = Curve(key="c", title=title, unit="ms", over="percentile", points=((50.0, 1.0),))
    memory = ProcessMemory(process="kafka", rss_mib=1.0, peak_mib=2.0)
    found = document(report(replace(section(at_least=0.8), curves=(curve,), memory=(memory,))))
    assert found["schema"] == SCHEMA == "tierlink.bench/1"
    assert found.keys() == {
        *("schema", "command", "begun_at", "machine", "terms", "sections", "shortfalls"),
    }
    (only,) = found["sections"]
    assert only.keys() == {"name", "title", "ratios", "readings", "curves", "memory"}
    ratio_names = {"name", "ours", "baseline", "ratio", "ratio_by_turn", "at_least", "met"}
    assert only["ratios"][0].keys() == ratio_names
    assert only["ratios"][0]["ours"].keys() == {"name", "title", "unit", "median", "values"}
    assert only["readings"][0].keys() == {"name", "title", "value", "unit", "at_most", "at_least", "met"}
    assert only["curves"][0].keys() == {"name", "title", "unit", "over", "points"}
    assert only["memory"][0].keys() == {"process", "rss_mib", "peak_mib"}
    assert found["shortfalls"][0].keys() == {"section", "key", "value", "promised"}


def test_memory_is_what_linux_says_of_a_process() -> None:
    found = of_status("kafka", {"VmRSS": "2048 kB", "VmHWM": "4096 kB"})
    assert found == ProcessMemory(process="kafka", rss_mib=2.0, peak_mib=4.0)
    assert of_status("gone", {}) is None


def test_sizes_of_growth_are_read() -> None:
    assert growth_sizes("200,10k,1M") == (200, 10_000, 1_000_000)


@pytest.mark.parametrize("given", ["", "10", "10k,10k", "100k,10k", "1G", "10k,", "9M"])
def test_sizes_that_are_none_are_refused(given: str) -> None:
    with pytest.raises(typer.BadParameter):
        growth_sizes(given)
