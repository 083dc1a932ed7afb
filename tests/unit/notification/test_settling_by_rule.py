"""What makes an alert moot, rule by rule."""

from dataclasses import replace

import pytest

from services.notification.domain.matching import settled
from services.notification.domain.rules import Rule
from tests.unit.notification.occurrences import (
    occurrence,
)
from tests.unit.notification.rule_cases import CATALOGUE
from tests.unit.notification.scenario import (
    OTHER_REFERRAL,
    REFERRAL,
    TRIGGERED,
    given,
)


@pytest.mark.parametrize(
    "event_type", ["ReferralClosed", "ReferralCancelled", "ReferralExpired", "PatientDied"]
)
@pytest.mark.parametrize(
    "rule", [rule for rule in CATALOGUE.rules if rule.aggregate == "referral"], ids=lambda rule: rule.code
)
def test_the_end_of_a_referral_settles_the_alerts_of_every_rule(rule: Rule, event_type: str) -> None:
    """Whatever the alert says, it is moot; that of a rule which the end itself triggers is not."""
    (all_of_it,) = [
        each for each in settled(occurrence(event_type), CATALOGUE) if not each.rule and not each.dedup_key
    ]
    alert = given(replace(TRIGGERED, rule=rule.code, dedup_key=f"{rule.code}/{REFERRAL}")).state
    assert all_of_it.covers(alert)
    other = given(replace(TRIGGERED, rule=rule.code, subject=OTHER_REFERRAL)).state
    assert not all_of_it.covers(other), "nor is another patient's"


@pytest.mark.parametrize("rule", CATALOGUE.rules, ids=lambda rule: rule.code)
def test_every_alert_can_become_moot(rule: Rule) -> None:
    """By an event of its own, or by the end of what it is about."""
    assert rule.settled_by or rule.aggregate in CATALOGUE.settle_all
