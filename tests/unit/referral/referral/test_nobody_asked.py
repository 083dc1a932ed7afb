"""Destinations may leave the directory while a referral waits: nothing is ever asked of nobody."""

from dataclasses import replace

from services.referral.domain import commands as c
from services.referral.domain.referral_values import ReferralState
from tests.unit.referral.referral.chart import Chart, names, where
from tests.unit.referral.referral.children import RED_FLAG, child_of, followed_up
from tests.unit.referral.referral.network import GENERAL, GENERAL_OFFICE, TOWN
from tests.unit.referral.referral.stories import OUT_OF_COUNTY, awaiting_approval, referred_back, told

APPROVE = c.ApproveReferral()


def without(chart: Chart, *gone: str) -> Chart:
    kept = {each: facility for each, facility in chart.directory.facilities.items() if each not in gone}
    chart.directory = replace(chart.directory, facilities=kept)
    return chart


def test_an_approval_that_comes_too_late_for_everybody_listed_can_be_re_routed() -> None:
    chart = without(awaiting_approval(), "changji-prefecture")
    assert names(chart.when(APPROVE, GENERAL_OFFICE)) == ["ReferralApproved"]
    assert (where(chart), chart.keys()) == (ReferralState.DECLINED, ["expire"])
    chart.when(c.RerouteReferral(destinations=("qitai-people",)), GENERAL)
    assert where(chart) is ReferralState.REQUESTED
    assert chart.referral.approved


def test_an_approval_passes_over_who_is_gone() -> None:
    listed = replace(OUT_OF_COUNTY, destinations=("changji-prefecture", "qitai-people"))
    chart = without(told((listed, GENERAL)), "changji-prefecture")
    chart.when(APPROVE, GENERAL_OFFICE)
    assert [offer.facility for offer in chart.referral.offers] == ["qitai-people"]
    assert where(chart) is ReferralState.REQUESTED


def test_nobody_left_to_ask_expires_in_the_end() -> None:
    chart = without(awaiting_approval(), "changji-prefecture")
    chart.when(APPROVE, GENERAL_OFFICE)
    chart.due("expire")
    assert where(chart) is ReferralState.EXPIRED


def test_a_red_flag_whose_hospital_is_gone_does_not_wait_for_ever() -> None:
    """The hospital that referred down has left the directory: the referral upward can be re-routed."""
    parent = without(followed_up(referred_back()), "jimsar-general")
    parent.when(RED_FLAG, TOWN)
    child = child_of(parent, TOWN)
    assert (where(child), child.keys()) == (ReferralState.DECLINED, ["expire", "record"])
    assert child.referral.origin_facility == "jimsar-town"
    assert child.when(c.RerouteReferral(destinations=("east-hospital",)), TOWN)
    assert where(child) is ReferralState.REQUESTED
