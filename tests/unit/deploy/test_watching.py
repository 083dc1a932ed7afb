"""The alert rules and the dashboard ask only for what the services say of themselves, and lead somewhere."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from services.notification.entrypoints.delivery_metrics import DeliveryMetrics
from services.operator.doctor.watching import DoctorMetrics
from services.shared.deadlines.metrics import DeadlineMetrics
from services.shared.feed.metrics import FeedMetrics
from services.shared.inbox.metrics import InboxMetrics
from services.shared.operations.metrics import ConditionMetrics
from services.shared.outbox.metrics import RelayMetrics
from services.shared.rpc.rpc_metrics import RpcMetrics
from services.shared.telemetry.metrics import new_registry
from services.shared.telemetry.span_export import SpanMetrics

ROOT = Path(__file__).resolve().parents[3]
RULES = ROOT / "deploy/prometheus/alerts.yaml"
DASHBOARD = ROOT / "deploy/grafana/tierlink.json"
RUNBOOKS = ROOT / "docs/runbooks"

#: What each kind of metric is asked for by, beside its name.
_SUFFIXES = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_sum", "_count"),
    "info": ("_info",),
}
#: Added by Prometheus when it scrapes.
_SCRAPED = {"job", "instance", "le"}
_ELSEWHERE = {"up": _SCRAPED, "process_resident_memory_bytes": _SCRAPED}


@cache
def _known() -> dict[str, set[str]]:
    """Labels by the name of every series that a service may have."""
    registry = CollectorRegistry()
    for metrics in (
        RpcMetrics,
        RelayMetrics,
        InboxMetrics,
        DeadlineMetrics,
        FeedMetrics,
        DeliveryMetrics,
        SpanMetrics,
        DoctorMetrics,
    ):
        metrics(registry)
    ConditionMetrics(registry)
    found = {"tierlink_build_info": {"service", "version"} | _SCRAPED}
    for metric in tuple(registry._collector_to_names):
        assert isinstance(metric, MetricWrapperBase)
        for suffix in _SUFFIXES[str(metric._type)]:
            found[f"{metric._name}{suffix}"] = set(metric._labelnames) | _SCRAPED
    return found | _ELSEWHERE


def _rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    return rules


def _targets() -> Iterator[tuple[str, dict[str, Any]]]:
    for panel in json.loads(DASHBOARD.read_text("utf-8"))["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target


def _series(expression: str) -> dict[str, set[str]]:
    """The labels that each series of an expression is chosen by."""
    found: dict[str, set[str]] = {}
    for name, selector in re.findall(
        r"\b(up|process_\w+|tierlink_\w+)(?:\{([^}]*)\})?", _without_texts(expression)
    ):
        found.setdefault(name, set()).update(re.findall(r"(\w+)\s*[=!]", selector))
    return found


def _without_texts(expression: str) -> str:
    return re.sub(r'"[^"]*"', '""', expression)


def _faults(expression: str) -> list[str]:
    """Series that nobody has, and labels that they do not have."""
    series = _series(expression)
    faults = [name for name in series if name not in _known()]
    of_all = set.union(*(_known().get(name, set()) for name in series)) if series else set()
    faults += [
        f"{name}{{{label}}}"
        for name, labels in series.items()
        for label in labels - _known().get(name, labels)
    ]
    for grouped in re.findall(r"\bby \(([^)]*)\)", expression):
        faults += [label for label in re.split(r",\s*", grouped) if label not in of_all]
    return faults if series else ["no series"]


@pytest.mark.parametrize("rule", _rules(), ids=lambda rule: str(rule["alert"]))
def test_a_rule_asks_for_what_is_there_and_leads_to_its_runbook(rule: dict[str, Any]) -> None:
    assert _faults(rule["expr"]) == []
    assert rule["labels"]["severity"] in ("critical", "warning")
    notes = rule["annotations"]
    assert re.search(r"[\u4e00-\u9fff]", notes["summary_zh"])
    of_all = set.union(*(_known()[name] for name in _series(rule["expr"])))
    for label in re.findall(r"\$labels\.(\w+)", notes["summary"] + notes["summary_zh"]):
        assert label in of_all
        assert re.search(rf"\bby \([^)]*\b{label}\b", rule["expr"]) or "by (" not in rule["expr"], label
    page = (ROOT / notes["runbook"]).read_text("utf-8")
    assert page.startswith(f"# {rule['alert']}\n\n`{rule['expr']}` · {rule['labels']['severity']}\n")
    for part in (
        "## 中文",
        "对患者意味着",
        "如何处理",
        "## English",
        "What it means for patients",
        "What to do",
    ):
        assert part in page


def test_every_runbook_has_its_rule_and_stands_in_the_list() -> None:
    pages = {path.name for path in RUNBOOKS.glob("*.md")} - {"README.md"}
    assert pages == {Path(rule["annotations"]["runbook"]).name for rule in _rules()}
    listed = re.findall(
        r"\| \[(\w+)\]\(([\w-]+\.md)\) \| (\w+) \|", (RUNBOOKS / "README.md").read_text("utf-8")
    )
    assert listed == [
        (rule["alert"], Path(rule["annotations"]["runbook"]).name, rule["labels"]["severity"])
        for rule in _rules()
    ]


@pytest.mark.parametrize(("title", "target"), tuple(_targets()))
def test_a_panel_asks_for_what_is_there(title: str, target: dict[str, Any]) -> None:
    assert _faults(target["expr"]) == [], title
    shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
    kept = set(re.findall(r"\w+", " ".join(re.findall(r"\bby \(([^)]*)\)", target["expr"]))))
    assert shown <= (kept or _SCRAPED), title


def test_panels_do_not_cover_one_another() -> None:
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) > 20
    cells = [
        (x, y)
        for at in (panel["gridPos"] for panel in panels)
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(cells) == len(set(cells))
    assert all(x < 24 for x, _ in cells)


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("max(tierlink_outbox_depth)", "tierlink_outbox_depth"),
        ("rate(tierlink_rpc_calls[5m])", "tierlink_rpc_calls"),
        ('tierlink_rpc_calls_total{status="x"}', "tierlink_rpc_calls_total{status}"),
        ("sum by (ward) (tierlink_inbox_lag_records)", "ward"),
        ("vector(1)", "no series"),
    ],
)
def test_what_is_not_there_is_found(expression: str, fault: str) -> None:
    assert _faults(expression) == [fault]


def test_the_build_says_what_the_dashboard_counts_by() -> None:
    registry = new_registry(service="bed", version="1")
    labels = {"service": "bed", "version": "1"}
    assert registry.get_sample_value("tierlink_build_info", labels) == 1
