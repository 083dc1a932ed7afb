"""The policy of a site: the product's values with their sources, and a site's own over them."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from services.referral.adapters.policy_file import load_policy
from services.referral.adapters.policy_values import KINDS, SCOPED
from services.referral.domain import commands as c
from services.referral.domain.clocks_targets import Confidence
from services.referral.domain.commands import BedNews
from services.referral.domain.policy import DEFAULT_POLICY, DEFAULT_TERMS, ReferralPolicy
from services.referral.domain.referral import deadlines
from services.referral.domain.referral_values import CrewLevel
from services.referral.domain.values import Pathway, Scope, Urgency
from services.shared.located.faults import FaultyFile
from tests.unit.referral.referral.chart import Chart
from tests.unit.referral.referral.network import AMBULANCE, GENERAL, SYSTEM, WUCAIWAN
from tests.unit.referral.referral.stories import (
    ACCEPT,
    ARRANGE,
    ARRIVE,
    BARE,
    CANCEL,
    COMPLETE,
    CREATE,
    DEPART,
    bed,
    told,
)

E, U, R = Urgency.EMERGENCY, Urgency.URGENT, Urgency.ROUTINE
STROKE = Pathway.STROKE
SITE = """\
sources:
  map: {zh: 本市溶栓地图, en: the city's thrombolysis map}
values:
  - {name: acknowledge_s, urgency: EMERGENCY, pathway: STROKE, value: 45, source: map, confidence: B}
  - {name: decide_s, urgency: EMERGENCY, pathway: STROKE, value: 240, source: map, confidence: B}
  - {name: outcome_report_s, pathway: STROKE, value: 7200, source: map, confidence: B}
  - {name: confirm_cancellation_s, pathway: STROKE, value: 90, source: map, confidence: B}
  - {name: hold_margin_s, pathway: STROKE, value: 600, source: map, confidence: B}
  - {name: expiry_s, pathway: STROKE, value: 1800, source: map, confidence: B}
  - {name: arrival_margin_s, pathway: STROKE, value: 300, source: map, confidence: B}
  - {name: decide_s, urgency: URGENT, value: 3600, source: product, confidence: C}
  - {name: crew, pathway: TRAUMA, value: CRITICAL_CARE, source: map, confidence: B}
  - {name: approval_scopes, value: [OUT_OF_COUNTY, BETWEEN_COMMUNITIES], source: map, confidence: B}
  - {name: red_flag_urgency, pathway: STROKE, value: EMERGENCY, source: map, confidence: B}
  - {name: filing_exempt_regions, value: ["65"], source: map, confidence: B}
  - {name: hops_max, value: 3, source: map, confidence: B}
  - {name: standing_horizon_days, value: 42, source: map, confidence: B}
  - {name: utc_offset_minutes, value: 360, source: map, confidence: B}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "policy.yaml"
    path.write_text(text, "utf-8")
    return path


def site(folder: Path) -> ReferralPolicy:
    return load_policy(written(folder, SITE)).policy


def test_the_file_has_the_domains_defaults_each_with_source_and_confidence() -> None:
    found = load_policy()
    assert found.policy == DEFAULT_POLICY
    assert {each.name for each in found.values} == set(KINDS)
    # Where the product gives none, the limit of the time targets counts.
    records = {each.urgency for each in found.values if each.name == "record_completion_s"}
    assert records == {U, R}
    assert {each.name for each in found.values if each.urgency} == SCOPED | {"record_completion_s"}
    assert all(each.source.zh and each.source.en for each in found.values)
    # Only the time zone was read in a primary text: nothing here is presented as a norm.
    assert {each.name for each in found.values if each.confidence is Confidence.A} == {"utc_offset_minutes"}


def test_a_site_lays_its_values_over_the_products(tmp_path: Path) -> None:
    policy = site(tmp_path)
    stroke = policy.terms(E, STROKE)
    assert (stroke.acknowledge_s, stroke.decide_s, stroke.outcome_report_s) == (45, 240, 7200)
    assert stroke.hold_whole_day == DEFAULT_TERMS[E].hold_whole_day
    urgent = policy.terms(U, STROKE)
    assert (urgent.acknowledge_s, urgent.decide_s, urgent.outcome_report_s) == (1800, 3600, 7200)
    assert policy.terms(E, Pathway.TRAUMA) == DEFAULT_TERMS[E]
    assert policy.terms(U, Pathway.TRAUMA).decide_s == 3600
    assert policy.crew_least(R, Pathway.TRAUMA) is CrewLevel.CRITICAL_CARE
    assert policy.crew_least(E, Pathway.NEONATAL) is CrewLevel.ADVANCED
    assert policy.approval_scopes == {Scope.OUT_OF_COUNTY, Scope.BETWEEN_COMMUNITIES}
    assert (policy.red_flag(STROKE), policy.red_flag(Pathway.TRAUMA)) == (E, U)
    assert policy.filing_exempt("652327", "650000")
    assert policy.hops_max == 3
    assert (policy.standing.horizon_days, policy.standing.top_up_days) == (42, 21)
    # Visits are at the times of the site's one clock.
    assert (policy.utc_offset_minutes, policy.standing.utc_offset_minutes) == (360, 360)
    (own,) = [each for each in load_policy(written(tmp_path, SITE)).values if each.name == "hops_max"]
    assert (own.source.en, own.confidence) == ("the city's thrombolysis map", Confidence.B)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("{name: acknowledged_s, value: 1, source: product, confidence: C}",
         "2:6: there is no value acknowledged_s; did you mean acknowledge_s?"),
        ("{name: hops_max, value: many, source: product, confidence: C}",
         "2:22: hops_max must be a whole number from 0 to 50"),
        ("{name: hops_max, value: true, source: product, confidence: C}", "hops_max must be a whole number"),
        ("{name: hops_max, value: 3, source: gossip, confidence: C}",
         "2:32: source gossip is not among the sources"),
        ("{name: hops_max, value: 3, source: product, confidence: D}",
         "2:49: confidence must be one of A, B, C"),
        ("{name: hops_max, value: 3}", "2:5: a value needs source"),
        ("{name: hops_max, value: 3}", "2:5: a value needs confidence"),
        ("{name: hops_max, urgency: EMERGENCY, value: 3, source: product, confidence: C}",
         "2:22: hops_max is the same for every urgency"),
        ("{name: hops_max, pathway: STROKE, value: 3, source: product, confidence: C}",
         "hops_max is the same for every pathway"),
        ("{name: record_completion_s, value: 3600, source: product, confidence: C}",
         "2:6: record_completion_s needs an urgency or a pathway"),
        ("{name: arrival_margin_s, urgency: URGENT, value: 0, source: product, confidence: C}",
         "arrival_margin_s must be a whole number from 60 to"),
        ("{name: decide_s, value: 3, source: product, confidence: C}",
         "2:6: decide_s needs an urgency or a pathway"),
        ("{name: decide_s, urgency: SOON, value: 3, source: product, confidence: C}",
         "2:22: urgency must be one of EMERGENCY, ROUTINE, URGENT"),
        ("{name: decide_s, pathway: HEART, value: 3, source: product, confidence: C}",
         "pathway must be one of"),
        ("{name: decide_s, urgency: EMERGENCY, value: 60, source: product, confidence: C}",
         "acknowledge_s is longer than decide_s (EMERGENCY)"),
        ("{name: acknowledge_s, pathway: STROKE, value: 3600, source: product, confidence: C}",
         "acknowledge_s is longer than decide_s (EMERGENCY, STROKE)"),
        ("{name: crew, urgency: EMERGENCY, pathway: STROKE, value: BASIC, source: product, confidence: C}",
         "crew is given for an urgency or for a pathway"),
        ("{name: crew, urgency: EMERGENCY, value: NURSE, source: product, confidence: C}",
         "crew must be one of NONE, BASIC, ADVANCED, CRITICAL_CARE"),
        ("{name: approval_scopes, value: [ABROAD], source: product, confidence: C}",
         "approval_scopes must be a list of"),
        ("{name: filing_exempt_regions, value: [65], source: product, confidence: C}",
         "in quotes"),
        ("{name: hold_whole_day, urgency: URGENT, value: 1, source: product, confidence: C}",
         "hold_whole_day must be true or false"),
        ("{name: hops_max, value: 3, source: product, confidence: C, comment: x}", "a value has no comment"),
        ("{name: standing_top_up_days, value: 28, source: product, confidence: C}",
         "2:5: standing_top_up_days (28) is not less than standing_horizon_days (28)"),
        ("{name: standing_horizon_days, value: 21, source: product, confidence: C}",
         "standing_top_up_days (21) is not less than standing_horizon_days (21)"),
        ("{name: standing_days_max, value: 0, source: product, confidence: C}",
         "standing_days_max must be a whole number from 1 to 1098"),
    ],
)  # fmt: skip
def test_a_fault_is_named_at_its_place(line: str, fault: str, tmp_path: Path) -> None:
    with pytest.raises(FaultyFile) as caught:
        load_policy(written(tmp_path, f"values:\n  - {line}\n"))
    assert any(fault in each for each in caught.value.lines()), caught.value.lines()


def test_every_fault_of_a_file_is_named_at_once(tmp_path: Path) -> None:
    broken = SITE.replace("value: 45", "value: soon").replace("crew, ", "crews, ").replace("[OUT", "[FAR")
    with pytest.raises(FaultyFile) as caught:
        load_policy(written(tmp_path, broken + "wishes: []\n"))
    assert [each.line for each in caught.value.faults] == [4, 12, 13, 19]


def test_a_value_is_given_once(tmp_path: Path) -> None:
    line = "  - {name: hops_max, value: 3, source: product, confidence: C}\n"
    with pytest.raises(FaultyFile, match=r"policy\.yaml:3:5: hops_max is given twice, first at line 2"):
        load_policy(written(tmp_path, f"values:\n{line}{line}"))


# ---- every deadline is that of the pathway


def _stroke(policy: ReferralPolicy) -> Chart:
    chart = told()
    chart.policy = policy
    chart.when(CREATE, WUCAIWAN)
    return chart


def _due(chart: Chart) -> dict[str, datetime]:
    return {each.key.partition(":")[0]: each.due_at for each in deadlines(chart.referral)}


def test_an_offer_has_the_limits_of_its_pathway(tmp_path: Path) -> None:
    chart = _stroke(site(tmp_path))
    start = chart.now
    assert _due(chart)["acknowledge"] == start + timedelta(seconds=45)
    assert _due(chart)["decide"] == start + timedelta(seconds=240)
    chart.due("acknowledge")
    assert chart.now == start + timedelta(seconds=45)
    chart.due("decide")
    assert chart.now == start + timedelta(seconds=240)
    assert _due(chart)["expire"] == chart.now + timedelta(seconds=1800)


def test_a_cancellation_is_confirmed_in_the_time_of_its_pathway(tmp_path: Path) -> None:
    chart = _stroke(site(tmp_path))
    chart.when(ACCEPT, GENERAL)
    chart.when(CANCEL, WUCAIWAN)
    assert _due(chart)["cancellation"] == chart.now + timedelta(seconds=90)


def test_arrival_and_outcome_report_have_the_limits_of_their_pathway(tmp_path: Path) -> None:
    chart = _stroke(site(tmp_path))
    chart.when(ACCEPT, GENERAL)
    chart.when(bed(BedNews.HELD), SYSTEM)
    chart.when(ARRANGE, WUCAIWAN)
    chart.when(DEPART, AMBULANCE)
    assert _due(chart)["arrival"] == chart.now + timedelta(minutes=95, seconds=300)
    chart.later(hours=1)
    chart.when(ARRIVE, GENERAL)
    chart.when(c.StartTreatment(), GENERAL)
    chart.when(COMPLETE, GENERAL)
    assert _due(chart)["outcome-report"] == chart.now + timedelta(seconds=7200)


LIMITS = """\
values:
  - {name: approval_review_s, value: 86400, PRODUCT}
  - {name: approval_review_s, pathway: STROKE, value: 43200, PRODUCT}
  - {name: approval_review_s, urgency: EMERGENCY, pathway: STROKE, value: 7200, PRODUCT}
  - {name: record_completion_s, urgency: URGENT, value: 172800, PRODUCT}
  - {name: record_completion_s, urgency: EMERGENCY, pathway: STROKE, value: 1800, PRODUCT}
  - {name: departure_s, urgency: EMERGENCY, pathway: STROKE, value: 900, PRODUCT}
  - {name: treatment_s, pathway: STROKE, value: 864000, PRODUCT}
  - {name: overdue_reminders_max, value: 5, PRODUCT}
""".replace("PRODUCT", "source: product, confidence: C")


def test_review_and_record_have_limits_by_pathway_and_urgency(tmp_path: Path) -> None:
    policy = load_policy(written(tmp_path, LIMITS)).policy
    assert policy.review_limit_s(E, STROKE) == 7200
    assert policy.review_limit_s(U, STROKE) == 43200
    # What a site gave for all before it could be told apart still holds.
    assert policy.review_limit_s(E, Pathway.TRAUMA) == 86400
    assert policy.record_limit_s(E, STROKE) == 1800
    assert policy.record_limit_s(U, Pathway.TRAUMA) == 172800
    # The limit of the time targets is for an emergency's record alone.
    assert policy.record_limit_s(E, Pathway.TRAUMA) == policy.record.completion_limit_s
    assert policy.record_limit_s(R, STROKE) == 3 * 86_400
    assert (policy.terms(E, STROKE).departure_s, policy.terms(R, STROKE).treatment_s) == (900, 864_000)
    assert policy.overdue_reminders_max == 5


def test_a_site_may_give_an_urgent_record_another_limit(tmp_path: Path) -> None:
    policy = load_policy(written(tmp_path, LIMITS)).policy
    chart = Chart(policy=policy)
    chart.when(replace(BARE, urgency=U), WUCAIWAN)
    assert chart.referral.record_due_at == chart.now + timedelta(days=2)
    plain = Chart()
    plain.when(replace(BARE, urgency=U), WUCAIWAN)
    assert plain.referral.record_due_at == plain.now + timedelta(days=1)
