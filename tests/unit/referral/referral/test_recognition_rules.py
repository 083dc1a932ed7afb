"""The file of recognition rules: the product's, and what a site may put over it."""

from pathlib import Path
from textwrap import dedent

import pytest

from services.referral.adapters.recognition_rules_file import RecognitionRulesInvalid, load_recognition_rules
from services.referral.domain.clocks_targets import Confidence
from services.referral.domain.examination_results import ResultKind
from services.referral.domain.recognition_policy import MarkScope, RecognitionPolicy

SITE = """
    sources:
      site: {zh: 本州互认清单, en: the prefecture's list}
    validity:
      LAB: {days: 3, source: site, confidence: A}
    marks:
      - code: 昌吉HR
        label: {zh: 昌吉州互认, en: recognised in Changji}
        scope: CITY
        regions: ["6523"]
        valid_from: 2026-01-01
        valid_until: 2026-12-31
        source: site
        confidence: A
"""


def _load(tmp_path: Path, text: str) -> RecognitionPolicy:
    path = tmp_path / "site.yaml"
    path.write_text(dedent(text), encoding="utf-8")
    return load_recognition_rules(("https",), path)


def test_every_kind_has_a_limit_and_every_value_a_source() -> None:
    policy = load_recognition_rules(("https",))
    assert {kind: each.days for kind, each in policy.validity.items()} == {
        ResultKind.LAB: 7,
        ResultKind.ECG: 7,
        ResultKind.ULTRASOUND: 30,
        ResultKind.IMAGING: 30,
    }
    # No number of days was found: none may look like a norm.
    assert {each.confidence for each in policy.validity.values()} == {Confidence.C}
    assert {mark.code: mark.scope for mark in policy.marks.values()} == {
        "HR": MarkScope.NATIONAL,
        "鄂HR": MarkScope.PROVINCE,
        "武汉HR": MarkScope.CITY,
    }
    assert {mark.confidence for mark in policy.marks.values()} == {Confidence.B}
    assert policy.marks["武汉HR"].covers("420106")
    assert not policy.marks["武汉HR"].covers("420500")
    assert policy.attachment_schemes == ("https",)


def test_a_site_adds_marks_and_sets_its_own_limits(tmp_path: Path) -> None:
    policy = _load(tmp_path, SITE)
    assert policy.validity[ResultKind.LAB].days == 3
    assert policy.validity[ResultKind.LAB].source.zh == "本州互认清单"
    assert policy.validity[ResultKind.IMAGING].days == 30
    assert set(policy.marks) == {"HR", "鄂HR", "武汉HR", "昌吉HR"}


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        ("source: site, confidence: A}", "source: nowhere, confidence: A}", "unknown source 'nowhere'"),
        ("        source: site", "        source: nowhere", "unknown source 'nowhere'"),
        ("days: 3", "days: 0", "days"),
        ("LAB:", "SMELL:", "SMELL"),
        ('["6523"]', "[]", "昌吉HR names its regions by 4 or 6 digits"),
        ('["6523"]', '["65"]', "昌吉HR names its regions by 4 or 6 digits"),
        ("scope: CITY", "scope: PROVINCE", "昌吉HR names its regions by 2 digits"),
        ("scope: CITY", "scope: NATIONAL", "昌吉HR is national and names regions"),
        ("2026-12-31", "2025-12-31", "昌吉HR ends before it begins"),
        ("confidence: A\n", "", "confidence"),
        ("sources:", "sauces:", "sauces"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_by_name(
    tmp_path: Path, wrong: str, right: str, said: str
) -> None:
    assert wrong in SITE
    with pytest.raises(RecognitionRulesInvalid, match=r"site\.yaml") as refusal:
        _load(tmp_path, SITE.replace(wrong, right))
    assert said in str(refusal.value)


def test_a_mark_stands_once(tmp_path: Path) -> None:
    entry = SITE[SITE.index("      - code") :]
    with pytest.raises(RecognitionRulesInvalid, match="昌吉HR stands twice"):
        _load(tmp_path, SITE + entry)
