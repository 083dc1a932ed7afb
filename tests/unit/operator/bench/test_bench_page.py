"""The page of a run: nothing in it ends the data, and nothing but its two scripts may run."""

import base64
import hashlib
import json
import re
from dataclasses import replace

from services.operator.bench.figures import Curve, ProcessMemory
from services.operator.bench.page.page import page
from services.operator.bench.report import document
from services.shared.kernel.text import BilingualText
from tests.unit.operator.bench.sample_report import report, section


def written(command: str = "tierlink bench") -> str:
    curve = Curve(
        key="echo_ms",
        title=BilingualText(zh="回显", en="echo"),
        unit="ms",
        over="percentile",
        points=((50.0, 1.0), (99.0, 3.0)),
    )
    memory = ProcessMemory(process="kafka", rss_mib=150.0, peak_mib=None)
    whole = replace(section(at_least=0.8), curves=(curve,), memory=(memory,))
    return page(document(replace(report(whole), command=command)), "zh")


def test_the_page_carries_the_whole_report() -> None:
    found = re.search(r'<script type="application/json" id="report">(.*?)</script>', written(), re.DOTALL)
    assert found is not None
    told = json.loads(found[1])
    assert told["language"] == "zh"
    (only,) = told["report"]["sections"]
    assert only["curves"][0]["points"] == [[50, 1], [99, 3]]
    assert only["memory"] == [{"process": "kafka", "rss_mib": 150, "peak_mib": None}]


def test_what_is_in_the_report_ends_no_script() -> None:
    assert "<img" not in written("</script><img src=x>")


def test_only_its_own_two_scripts_may_run() -> None:
    text = written()
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert len(scripts) == 2
    for script in scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in text
    assert "default-src 'none'" in text
    assert not re.search(r'(?:src|href)="', text)
