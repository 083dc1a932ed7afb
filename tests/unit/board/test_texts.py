"""The pages' texts and scripts, read as files."""

import re
from pathlib import Path

import pytest

from services.board.entrypoints.http.app import PAGES, STATIC
from services.board.texts import catalogue
from tierlink.bed.v1 import bed_pb2
from tierlink.notification.v1 import alert_pb2
from tierlink.referral.v1 import episode_pb2
from tierlink.type.v1 import type_pb2

SCRIPTS = sorted(STATIC.glob("*.js"))
FILES = [*SCRIPTS, *sorted(PAGES.glob("*.html"))]
_SAID = re.compile(r'(?:\bsay\(|data-text=)"([\w.]+)"|[?:] "((?:alerts|clock|referrals|sound)\.[\w]+)"')


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_a_page_says_is_in_the_catalogue(path: Path) -> None:
    said = {key for pair in _SAID.findall(path.read_text("utf-8")) for key in pair if key}
    assert said <= catalogue().keys()


def test_what_has_a_name_in_the_contract_has_one_on_screen() -> None:
    named = {
        "severity": (alert_pb2.Severity, "SEVERITY_"),
        "milestone": (episode_pb2.MilestoneKind, "MILESTONE_KIND_"),
        "outcome": (alert_pb2.DeliveryOutcome, "DELIVERY_OUTCOME_"),
        "bed": (bed_pb2.BedState, "BED_STATE_"),
        "bedtype": (type_pb2.BedType, "BED_TYPE_"),
        "pathway": (type_pb2.Pathway, "PATHWAY_"),
        "urgency": (type_pb2.Urgency, "URGENCY_"),
    }
    for prefix, (enum, start) in named.items():
        for name in enum.keys()[1:]:
            assert f"{prefix}.{name.removeprefix(start)}" in catalogue()


def test_every_text_is_in_both_languages_with_the_same_places() -> None:
    for key, text in catalogue().items():
        assert text.zh, key
        assert text.en, key
        assert set(re.findall(r"\{\w+\}", text.zh)) == set(re.findall(r"\{\w+\}", text.en)), key


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_script_makes_markup_of_text(path: Path) -> None:
    content = path.read_text("utf-8")
    for sink in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
        assert sink not in content


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_page_asks_another_server_for_anything(path: Path) -> None:
    addresses = set(re.findall(r"(?:https?:)?//[a-z][\w.-]+\.[a-z]{2,}\S*", path.read_text("utf-8")))
    assert addresses <= {'http://www.w3.org/2000/svg";'}


@pytest.mark.parametrize("path", sorted(PAGES.glob("*.html")), ids=lambda path: path.name)
def test_no_page_has_script_or_style_in_itself(path: Path) -> None:
    content = path.read_text("utf-8")
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=", content)
