"""Whatever the documents name is there: links, files, tests, metrics, variables, topics, commands."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
import typer.main
from prometheus_client import CollectorRegistry

from services.notification.entrypoints.delivery_metrics import DeliveryMetrics
from services.operator.doctor.watching import DoctorMetrics
from services.operator.main import app
from services.shared.audit.chain import FindingCode
from services.shared.deadlines.metrics import DeadlineMetrics
from services.shared.feed.metrics import FeedMetrics
from services.shared.inbox.metrics import InboxMetrics
from services.shared.kernel.actor import Role
from services.shared.operations.metrics import ConditionMetrics
from services.shared.outbox.metrics import RelayMetrics
from services.shared.rpc.rpc_metrics import RpcMetrics
from services.shared.telemetry.metrics import new_registry
from services.shared.telemetry.span_export import SpanMetrics

ROOT = Path(__file__).resolve().parents[3]
DOCUMENTS = sorted((*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")))
#: A file that the reader makes.
_READERS_OWN = {"refer.py"}
_HERE = ("services", "tests", "deploy", "docs", "protos", "gen")

documents = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


def _spans(document: Path) -> list[str]:
    """What stands in backticks within a line."""
    text = re.sub(r"```.*?```", "", document.read_text("utf-8"), flags=re.DOTALL)
    return re.findall(r"`([^`\n]+)`", text)


def _code(document: Path) -> Iterator[str]:
    """Everything that is code: spans and shell blocks."""
    yield from _spans(document)
    yield from re.findall(r"```sh\n(.*?)```", document.read_text("utf-8"), re.DOTALL)


@cache
def _files() -> tuple[str, ...]:
    """Every file below the folders of this repository."""
    found = (path for folder in _HERE for path in (ROOT / folder).rglob("*") if path.is_file())
    return tuple(str(path.relative_to(ROOT)) for path in found if "__pycache__" not in path.parts)


def _slug(heading: str) -> str:
    """A heading's anchor, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@documents
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text("utf-8")):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        file = (document.parent / path).resolve() if path else document
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", file.read_text("utf-8"), re.MULTILINE)
            assert anchor in {_slug(heading) for heading in headings}, target


@documents
def test_files_that_are_named_exist(document: Path) -> None:
    missing = []
    for span in _spans(document):
        if re.fullmatch(rf"(?:{'|'.join(_HERE)})/[\w./*-]*", span):
            there = any(ROOT.glob(span)) if "*" in span else (ROOT / span).exists()
        elif span not in _READERS_OWN and re.fullmatch(r"[\w./*-]+\.(?:py|sql|yaml|proto)", span):
            # Named within its folder, such as `domain/matching.py`.
            pattern = re.escape(span).replace(r"\*", r"[^/]*")
            there = any(re.search(rf"(?:^|/){pattern}$", file) for file in _files())
        else:
            continue
        if not there:
            missing.append(span)
    assert missing == []


@documents
def test_variables_that_are_named_exist(document: Path) -> None:
    known = set(re.findall(r"#(TIERLINK_\w+)=", (ROOT / ".env.example").read_text("utf-8")))
    for name in re.findall(r"TIERLINK_[A-Z][A-Z0-9_]*", document.read_text("utf-8")):
        # A channels file names its secrets as it likes.
        if name.startswith("TIERLINK_CHANNEL_"):
            continue
        # One that ends with an underscore stands for all that begin so.
        assert name in known or (name.endswith("_") and any(each.startswith(name) for each in known)), name


@documents
def test_commands_that_are_named_exist(document: Path) -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    commands = set(getattr(typer.main.get_command(app), "commands", {}))
    for code in _code(document):
        for target in re.findall(r"^(?:\$ )?make (\w+)", code, re.MULTILINE):
            assert target in targets, code
        for command in re.findall(r"(?:^|bin/|\()tierlink (\w[\w-]*)", code, re.MULTILINE):
            assert command in commands, code


@documents
def test_topics_that_are_named_exist(document: Path) -> None:
    sources = _sources()
    for topic in re.findall(r"\btierlink(?:\.[a-z]+)+\.v1(?![\w.])", document.read_text("utf-8")):
        assert topic in sources, topic


@cache
def _sources() -> str:
    python = (path.read_text("utf-8") for path in (ROOT / "services").rglob("*.py"))
    protos = (path.read_text("utf-8") for path in (ROOT / "protos/tierlink").rglob("*.proto"))
    return "\n".join((*python, *protos))


@cache
def _metrics() -> frozenset[str]:
    registry = new_registry(service="test", version="0")
    declare: tuple[Callable[[CollectorRegistry], object], ...] = (
        RpcMetrics,
        RelayMetrics,
        InboxMetrics,
        DeadlineMetrics,
        FeedMetrics,
        DeliveryMetrics,
        SpanMetrics,
        ConditionMetrics,
        DoctorMetrics,
    )
    for metrics in declare:
        metrics(registry)
    suffixes = {"counter": "_total", "info": "_info"}
    return frozenset(f"{metric.name}{suffixes.get(metric.type, '')}" for metric in registry.collect())


def test_metrics_that_are_named_exist() -> None:
    guide = ROOT / "docs/guide-operations.md"
    named = [span.partition("{")[0] for span in _spans(guide) if span.startswith("tierlink_")]
    assert len(named) > 10
    assert [name for name in named if name not in _metrics()] == []


def test_the_guides_know_every_finding_and_every_role() -> None:
    operations = (ROOT / "docs/guide-operations.md").read_text("utf-8")
    assert [code for code in FindingCode if f"`{code}`" not in operations] == []
    integration = (ROOT / "docs/guide-integration.md").read_text("utf-8")
    given_to_callers = [role for role in Role if role is not Role.SYSTEM]
    assert [role for role in given_to_callers if f"`{role}`" not in integration] == []


def test_both_readmes_give_the_same_commands_and_code() -> None:
    def lines(name: str) -> list[str]:
        blocks = re.findall(r"```(?:sh|python)\n(.*?)```", (ROOT / name).read_text("utf-8"), re.DOTALL)
        return [line.partition("  #")[0].rstrip() for block in blocks for line in block.splitlines()]

    assert lines("README.md") == lines("README.zh.md")


def test_every_decision_is_listed() -> None:
    pages = {path.name for path in (ROOT / "docs/adr").glob("0*.md")}
    listed = set(re.findall(r"\]\((0[\w-]+\.md)\)", (ROOT / "docs/adr/README.md").read_text("utf-8")))
    assert listed == pages
