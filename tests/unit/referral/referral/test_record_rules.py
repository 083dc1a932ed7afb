"""The rules of the record as a file: the product's, and a site's over them; mistakes are named."""

from dataclasses import replace
from pathlib import Path

import pytest

from services.referral.adapters.record_rules_file import RecordRulesInvalid, load_record_rules
from services.referral.adapters.target_catalogue import load_catalogue
from services.referral.domain.clocks_targets import Confidence
from services.referral.domain.record_rules import DEFAULT_RECORD_RULES
from services.referral.domain.values import Urgency

LIMITS = load_catalogue().limits


def test_the_products_file_says_what_the_domain_assumes() -> None:
    assert load_record_rules(LIMITS) == DEFAULT_RECORD_RULES


def test_the_limit_is_that_of_the_time_targets() -> None:
    longer = [replace(limit, limit_s=7200, confidence=Confidence.C) for limit in LIMITS]
    rules = load_record_rules(longer)
    assert (rules.completion_limit_s, rules.completion_limit_source.confidence) == (7200, Confidence.C)
    with pytest.raises(RecordRulesInvalid, match="emergency-record-completion"):
        load_record_rules([])


def test_a_sites_part_replaces_the_products(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text(
        """
sources: {city: {zh: 某市规定, en: a city's rule}}
elements:
  source: city
  confidence: B
  up: [record.narrative]
  down: []
  at_creation: {ROUTINE: [record.narrative]}
"""
    )
    rules = load_record_rules(LIMITS, site)
    assert (rules.elements_up, rules.elements_down) == (("record.narrative",), ())
    assert rules.required(Urgency.ROUTINE) == ("record.narrative",)
    assert rules.required(Urgency.URGENT) == ()
    assert rules.elements_source.source.zh == "某市规定"
    assert rules.maternal_colours == DEFAULT_RECORD_RULES.maternal_colours


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("elements: {source: product, confidence: C, up: [record.soul], down: []}", "record.soul"),
        ("elements: {source: hearsay, confidence: C, up: [], down: []}", "hearsay"),
        ("maternal_colours: {source: product, confidence: C, values: []}", "values"),
        (
            "maternal_colours: {source: product, confidence: C, values:"
            " [{code: RED, label: {zh: 红, en: red}}, {code: RED, label: {zh: 红, en: red}}]}",
            "twice",
        ),
        ("colours: []", "colours"),
        ("elements: {confidence: Z}", "site.yaml"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, content: str, said: str) -> None:
    site = tmp_path / "site.yaml"
    site.write_text(content)
    with pytest.raises(RecordRulesInvalid, match=said):
        load_record_rules(LIMITS, site)
