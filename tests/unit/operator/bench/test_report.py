"""The document and the tables."""

import io
import json

from rich.console import Console

from services.operator.bench.report import document, print_report
from services.operator.texts import Language
from tests.unit.operator.bench.sample_report import report, section


def test_the_document_has_terms_machine_every_round_and_what_fell_short() -> None:
    found = json.loads(json.dumps(document(report(section(at_least=0.8)))))

    assert found["command"] == "tierlink bench"
    assert found["begun_at"] == "2026-03-01T08:00:00Z"
    assert found["machine"]["cores"] == 2
    assert found["terms"]["seed"] == 7
    (commands,) = found["sections"]
    (only,) = commands["ratios"]
    assert (only["ratio"], only["at_least"], only["met"]) == (0.5, 0.8, False)
    assert only["ours"]["values"] == [40, 50, 60]
    assert only["baseline"]["median"] == 100
    assert commands["readings"][0]["value"] == 600
    assert [each["key"] for each in found["shortfalls"]] == ["ours/echo"]


def printed(language: Language) -> str:
    out = io.StringIO()
    found = report(section(at_least=0.8, at_most=1536))
    print_report(found, Console(file=out, width=110), language)
    return out.getvalue()


def test_people_see_machine_figures_ratios_and_promises() -> None:
    text = printed(Language.EN)
    for expected in ("a processor, 2 cores", "seed 7", "÷ echo", "50/s", "100/s", "0.4 – 0.6", "≥ 0.8 ✗"):
        assert expected in text
    assert "600 MiB" in text
    assert "≤ 1536 ✓" in text


def test_titles_come_in_the_language_that_is_asked_for() -> None:
    assert "命令" in printed(Language.ZH)
    assert "Commands" not in printed(Language.ZH)
