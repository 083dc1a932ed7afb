"""How long a destination takes to accept: told by enough recent cases of the same urgency, or not at all."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.referral.domain import commands as c
from services.referral.domain.acceptance_times import Acceptance, acceptance_of, expected_wait
from services.referral.domain.policy import DEFAULT_POLICY
from services.referral.domain.texts import span
from services.referral.domain.values import Urgency
from tests.unit.referral.referral.network import AMBULANCE, GENERAL, START
from tests.unit.referral.referral.stories import ACCEPT, REASON, in_transit, requested

CASE = Acceptance(
    offer="offers/1",
    facility="jimsar-general",
    urgency=Urgency.EMERGENCY,
    accepted_at=START,
    waited_s=60,
)


def cases(*waits_s: int) -> list[Acceptance]:
    return [replace(CASE, waited_s=wait, accepted_at=START - timedelta(days=wait // 60)) for wait in waits_s]


def test_an_acceptance_tells_how_long_the_origin_waited() -> None:
    chart = requested().later(seconds=95)
    (event,) = chart.when(ACCEPT, GENERAL, occurred_at=chart.now - timedelta(seconds=60))
    found = acceptance_of(chart.referral, event, chart.now)
    assert found == replace(CASE, offer=chart.referral.offers[0].name, accepted_at=chart.now, waited_s=95)


def test_nothing_else_tells_of_it() -> None:
    chart = requested()
    (event,) = chart.when(c.DeclineReferral(reason=REASON), GENERAL)
    assert acceptance_of(chart.referral, event, chart.now) is None
    road = in_transit()
    (event,) = road.when(c.DivertPatient(destination_facility="east-hospital", reason=REASON), AMBULANCE)
    assert acceptance_of(road.referral, event, road.now) is None


def test_the_median_of_the_recent_ones() -> None:
    found = expected_wait(cases(60, 120, 180, 240, 6000), Urgency.EMERGENCY, START, DEFAULT_POLICY)
    assert found is None  # the fifth is a hundred days old
    found = expected_wait(cases(60, 120, 180, 240, 3000), Urgency.EMERGENCY, START, DEFAULT_POLICY)
    assert found is not None
    assert (found.cases, found.median_s, found.since) == (5, 180, START - timedelta(days=50))


def test_too_few_say_nothing() -> None:
    assert expected_wait(cases(60, 60, 60, 60), Urgency.EMERGENCY, START, DEFAULT_POLICY) is None
    assert expected_wait([], Urgency.EMERGENCY, START, DEFAULT_POLICY) is None


def test_other_urgencies_say_nothing() -> None:
    assert expected_wait(cases(60, 60, 60, 60, 60), Urgency.ROUTINE, START, DEFAULT_POLICY) is None


def test_what_is_accepted_after_now_says_nothing_yet() -> None:
    later = [replace(each, accepted_at=START + timedelta(seconds=1)) for each in cases(0, 0, 0, 0, 0)]
    assert expected_wait(later, Urgency.EMERGENCY, START, DEFAULT_POLICY) is None


@pytest.mark.parametrize(
    ("seconds", "zh", "en"),
    [
        (90, "90秒", "90 s"),
        (600, "10分钟", "10 min"),
        (5400, "90分钟", "90 min"),
        (86_400, "24小时", "24 h"),
        (259_200, "72小时", "72 h"),
        (604_800, "7天", "7 days"),
    ],
)
def test_limits_are_told_in_the_largest_unit(seconds: int, zh: str, en: str) -> None:
    assert (span(seconds).zh, span(seconds).en) == (zh, en)
