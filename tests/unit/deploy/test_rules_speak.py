"""The alert rules as Prometheus itself reads them: each is silent, and speaks, where it should."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

PROMETHEUS = Path(__file__).resolve().parents[3] / "deploy/prometheus"
DASHBOARD = PROMETHEUS.parent / "grafana/tierlink.json"
RULES, CASES = PROMETHEUS / "alerts.yaml", PROMETHEUS / "alerts_test.yaml"
PROMTOOL = os.environ.get("TIERLINK_TEST_PROMTOOL") or shutil.which("promtool")

needs_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="no promtool: install Prometheus, or name it in TIERLINK_TEST_PROMTOOL"
)


def promtool(*arguments: str) -> str:
    """What promtool says. Fails the test when it finds a fault."""
    assert PROMTOOL is not None
    done = subprocess.run(
        [PROMTOOL, *arguments], capture_output=True, text=True, timeout=60, check=False, cwd=PROMETHEUS
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _rules() -> dict[str, dict[str, Any]]:
    (group,) = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    return {rule["alert"]: rule for rule in group["rules"]}


def test_every_rule_has_a_case_in_which_it_speaks_and_one_in_which_it_is_silent() -> None:
    silent, speaking = set(), set()
    for case in yaml.safe_load(CASES.read_text("utf-8"))["tests"]:
        for moment in case["alert_rule_test"]:
            (speaking if moment["exp_alerts"] else silent).add(moment["alertname"])
            for alert in moment["exp_alerts"]:
                rule = _rules()[moment["alertname"]]
                assert alert["exp_labels"]["severity"] == rule["labels"]["severity"]
                assert alert["exp_annotations"].keys() == rule["annotations"].keys()
    assert silent == speaking == set(_rules())


@needs_promtool
def test_prometheus_reads_the_rules() -> None:
    assert f"SUCCESS: {len(_rules())} rules found" in promtool("check", "rules", RULES.name)


@needs_promtool
def test_prometheus_reads_what_the_panels_ask(tmp_path: Path) -> None:
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    asked = [target["expr"] for panel in panels for target in panel.get("targets", ())]
    rules = [
        # Grafana puts its variables in before it asks.
        {"record": f"panel:{number}", "expr": each.replace("$__rate_interval", "1m").replace("$job", ".+")}
        for number, each in enumerate(asked)
    ]
    path = tmp_path / "panels.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}), "utf-8")
    assert len(rules) > 20
    assert f"SUCCESS: {len(rules)} rules found" in promtool("check", "rules", "--lint=none", str(path))


@needs_promtool
def test_each_rule_speaks_when_it_should_and_not_before() -> None:
    assert "SUCCESS" in promtool("test", "rules", CASES.name)
