"""Limits, crews and holds, by default and as a site changes them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.referral.domain.policy import DEFAULT_POLICY, DEFAULT_TERMS, ReferralPolicy
from services.referral.domain.referral_values import CrewLevel
from services.referral.domain.values import Pathway, Urgency
from tests.unit.referral.referral.network import WUCAIWAN
from tests.unit.referral.referral.stories import CREATE, told

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
E, U, R = Urgency.EMERGENCY, Urgency.URGENT, Urgency.ROUTINE
MINUTE, HOUR, DAY = 60, 3600, 86_400


@pytest.mark.parametrize(
    ("urgency", "acknowledge_s", "decide_s", "report_s"),
    [
        (E, 2 * MINUTE, 10 * MINUTE, 24 * HOUR),
        (U, 30 * MINUTE, 2 * HOUR, 72 * HOUR),
        (R, 24 * HOUR, 48 * HOUR, 7 * DAY),
    ],
)
def test_the_limits_of_domain_md(urgency: Urgency, acknowledge_s: int, decide_s: int, report_s: int) -> None:
    terms = DEFAULT_POLICY.terms(urgency, Pathway.GENERAL)
    assert (terms.acknowledge_s, terms.decide_s, terms.outcome_report_s) == (
        acknowledge_s,
        decide_s,
        report_s,
    )


def test_a_pathway_may_have_its_own_limits() -> None:
    quick = replace(DEFAULT_TERMS[E], decide_s=5 * MINUTE)
    policy = ReferralPolicy(terms_by_pathway={(Pathway.STROKE, E): quick})
    assert policy.terms(E, Pathway.STROKE) is quick
    assert policy.terms(E, Pathway.TRAUMA) is DEFAULT_TERMS[E]
    assert policy.terms(U, Pathway.STROKE) is DEFAULT_TERMS[U]


@pytest.mark.parametrize(
    ("urgency", "pathway", "least"),
    [
        (E, Pathway.GENERAL, CrewLevel.ADVANCED),
        (U, Pathway.GENERAL, CrewLevel.BASIC),
        (R, Pathway.GENERAL, CrewLevel.NONE),
        (R, Pathway.CRITICAL_CARE, CrewLevel.CRITICAL_CARE),
        (E, Pathway.CRITICAL_CARE, CrewLevel.CRITICAL_CARE),
        (R, Pathway.NEONATAL, CrewLevel.ADVANCED),
    ],
)
def test_the_least_crew(urgency: Urgency, pathway: Pathway, least: CrewLevel) -> None:
    assert DEFAULT_POLICY.crew_least(urgency, pathway) is least
    levels = list(CrewLevel)
    for crew in levels:
        fits = levels.index(crew) >= levels.index(least)
        assert DEFAULT_POLICY.crew_fits(crew, urgency, pathway) == fits


@pytest.mark.parametrize(
    ("urgency", "arrival", "until"),
    [
        (E, NOON + timedelta(hours=1), NOON + timedelta(hours=1, minutes=30)),
        (U, NOON + timedelta(hours=1), NOON + timedelta(hours=3)),
        (R, NOON + timedelta(hours=1), datetime(2026, 3, 2, 16, 0, tzinfo=UTC)),
        (R, NOON + timedelta(days=2), datetime(2026, 3, 4, 16, 0, tzinfo=UTC)),
        (R, datetime(2026, 3, 2, 16, 0, tzinfo=UTC), datetime(2026, 3, 3, 16, 0, tzinfo=UTC)),
        (E, NOON - timedelta(hours=9), NOON + timedelta(minutes=30)),
        (U, NOON - timedelta(hours=9), NOON + timedelta(hours=2)),
        (R, NOON - timedelta(hours=19), NOON + timedelta(hours=2)),
    ],
)
def test_until_when_a_bed_is_held(urgency: Urgency, arrival: datetime, until: datetime) -> None:
    found = DEFAULT_POLICY.hold_until(
        urgency=urgency, pathway=Pathway.GENERAL, arrival=arrival, recorded_at=NOON
    )
    assert found == until


def test_an_unknown_way_is_assumed() -> None:
    assert DEFAULT_POLICY.travel(None) == timedelta(hours=2)
    assert DEFAULT_POLICY.travel(0) == timedelta(0)
    assert DEFAULT_POLICY.travel(95) == timedelta(minutes=95)


def test_pooling_areas_are_prefectures_unless_the_site_says_otherwise() -> None:
    assert DEFAULT_POLICY.same_pooling_area("652327", "652300")
    assert not DEFAULT_POLICY.same_pooling_area("652327", "650000")
    assert DEFAULT_POLICY.same_pooling_area("", "650000")
    assert ReferralPolicy(pooling_region_digits=2).same_pooling_area("652327", "650000")
    assert not ReferralPolicy(filing_exempt_regions=("65",)).filing_exempt("652327", "110000")


def test_red_flags_are_as_urgent_as_the_site_says() -> None:
    assert DEFAULT_POLICY.red_flag(Pathway.STROKE) is U
    policy = ReferralPolicy(red_flag_urgency_by_pathway={Pathway.STROKE: E})
    assert (policy.red_flag(Pathway.STROKE), policy.red_flag(Pathway.GENERAL)) == (E, U)


def test_the_policy_reaches_the_decision() -> None:
    chart = told()
    chart.policy = ReferralPolicy(
        terms_by_pathway={(Pathway.STROKE, E): replace(DEFAULT_TERMS[E], acknowledge_s=30)}
    )
    chart.when(CREATE, WUCAIWAN)
    assert chart.referral.offers[0].acknowledge_by == chart.now + timedelta(seconds=30)
