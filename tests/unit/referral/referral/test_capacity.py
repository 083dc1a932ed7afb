"""Who has no room says so with a coded reason, and the beds that were free then stand beside it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.referral.domain import commands as c
from services.referral.domain.events import AcceptanceWithdrawn, OfferDeclined
from services.referral.domain.referral import beds_needed
from services.referral.domain.values import BedType, CodedReason
from tests.unit.referral.referral.chart import Chart
from tests.unit.referral.referral.network import GENERAL, WUCAIWAN
from tests.unit.referral.referral.stories import ACCEPT, CREATE, accepted, info_requested, requested, told
from tests.unit.referral.referral.wards import ward

FULL = CodedReason(code="NO_BED", text="卒中单元满员")
OTHER = CodedReason(code="NO_SPECIALIST")
WARDS = (
    ward("jg-stroke", BedType.STROKE_UNIT, free=0, moved=timedelta(minutes=3)),
    ward("jg-icu", BedType.ICU, free=2, confirmed=None),
)


def beside(chart: Chart) -> Chart:
    return chart.fact(wards=WARDS)


@pytest.mark.parametrize("story", [requested, info_requested])
def test_a_decline_for_want_of_a_bed_keeps_what_was_free(story: object) -> None:
    chart = beside(story())  # type: ignore[operator]
    (event,) = chart.when(c.DeclineReferral(reason=FULL), GENERAL)
    assert isinstance(event, OfferDeclined)
    assert [(each.bed_type, each.free, each.age_s, each.stale) for each in event.free_beds] == [
        (BedType.ICU, 2, None, True),
        (BedType.STROKE_UNIT, 0, 600, False),
    ]
    (offer,) = chart.referral.offers
    assert (offer.free_beds, offer.reason) == (event.free_beds, FULL)


def test_the_age_counts_to_the_decision() -> None:
    chart = beside(requested()).later(minutes=5)
    chart.when(c.DeclineReferral(reason=FULL), GENERAL, occurred_at=chart.now - timedelta(hours=1))
    assert chart.referral.offers[0].free_beds[1].age_s == 900


def test_another_reason_keeps_no_beds() -> None:
    chart = told((c.DeclineReferral(reason=OTHER), GENERAL), chart=beside(requested()))
    assert chart.referral.offers[0].free_beds == ()


def test_a_withdrawal_for_want_of_a_bed_keeps_them_too() -> None:
    chart = beside(accepted())
    (event,) = chart.when(c.WithdrawAcceptance(reason=FULL), GENERAL)
    assert isinstance(event, AcceptanceWithdrawn)
    assert len(event.free_beds) == 2
    assert chart.referral.offers[0].free_beds == event.free_beds


def test_what_one_destination_had_stays_on_its_offer() -> None:
    both = replace(CREATE, destinations=("jimsar-general", "east-hospital"))
    chart = told((c.DeclineReferral(reason=FULL), GENERAL), chart=beside(requested(both)))
    first, second = chart.referral.offers
    assert (len(first.free_beds), second.free_beds) == (2, ())
    told((c.CancelReferral(reason=OTHER), WUCAIWAN), chart=chart)
    assert len(chart.referral.offers[0].free_beds) == 2


def test_whose_beds_a_decision_takes_in() -> None:
    policy = Chart().policy
    assert beds_needed(c.DeclineReferral(reason=FULL), "jimsar-general", policy) == "jimsar-general"
    assert beds_needed(c.WithdrawAcceptance(reason=FULL), "jimsar-general", policy) == "jimsar-general"
    assert beds_needed(c.DeclineReferral(reason=OTHER), "jimsar-general", policy) == ""
    assert beds_needed(ACCEPT, "jimsar-general", policy) == ""
    own = replace(policy, capacity_reasons=("NO_SPECIALIST",))
    assert beds_needed(c.DeclineReferral(reason=OTHER), "jimsar-general", own) == "jimsar-general"
