"""Deadlines: stored when they begin, met by the system, and then gone."""

from dataclasses import replace
from datetime import timedelta

from services.referral.domain import commands as c
from services.referral.domain.referral import deadlines
from services.referral.domain.referral_values import Dispatch, OfferState, ReferralState
from services.shared.kernel.refusals import NotPermitted
from tests.unit.referral.referral.chart import names, where
from tests.unit.referral.referral.network import AMBULANCE, EAST, GENERAL, SYSTEM, WUCAIWAN
from tests.unit.referral.referral.stories import (
    CREATE,
    REASON,
    ROUTINE,
    awaiting_approval,
    declined,
    in_transit,
    info_requested,
    requested,
    told,
    treated,
)

BOTH = replace(CREATE, destinations=("jimsar-general", "east-hospital"))


def test_an_offer_that_nobody_acknowledged_is_an_alert() -> None:
    chart = requested()
    start = chart.now
    assert names(chart.due("acknowledge")) == ["OfferOverdue"]
    assert chart.now == start + timedelta(minutes=2)
    assert (chart.referral.state, chart.keys()) == (ReferralState.REQUESTED, ["decide"])
    assert chart.referral.offers[0].overdue
    assert chart.when(c.AcknowledgeOffer(), GENERAL)


def test_an_offer_that_nobody_decided_on_moves_to_the_next() -> None:
    chart = requested(BOTH)
    start = chart.now
    assert names(chart.due("decide")) == ["OfferLapsed"]
    assert chart.now == start + timedelta(minutes=10)
    assert [offer.state for offer in chart.referral.offers] == [OfferState.LAPSED, OfferState.SENT]
    assert chart.referral.offers[1].decide_by == chart.now + timedelta(minutes=10)
    chart.due("decide")
    assert (chart.referral.state, chart.keys()) == (ReferralState.DECLINED, ["expire"])
    assert chart.referral.expires_at == chart.now + timedelta(hours=2)


def test_offers_sent_at_once_lapse_one_by_one() -> None:
    chart = requested(replace(BOTH, dispatch=Dispatch.FIRST_TO_ACCEPT))
    assert chart.keys() == ["acknowledge", "decide", "acknowledge", "decide"]
    chart.due("decide")
    assert where(chart) is ReferralState.REQUESTED
    chart.due("decide")
    assert where(chart) is ReferralState.DECLINED


def test_a_question_does_not_stop_the_clock() -> None:
    chart = info_requested()
    assert names(chart.due("decide")) == ["OfferLapsed"]
    assert chart.referral.state is ReferralState.DECLINED
    both = told(
        (c.RequestInformation(questions=("CT？",)), GENERAL),
        chart=requested(replace(BOTH, dispatch=Dispatch.FIRST_TO_ACCEPT)),
    )
    east = both.referral.offers[1].name
    both.when(c.MeetDeadline(key=f"decide:{east}"), SYSTEM)
    assert both.referral.state is ReferralState.INFO_REQUESTED


def test_a_referral_that_nobody_is_left_to_ask_expires() -> None:
    chart = declined()
    assert names(chart.due("expire")) == ["ReferralExpired"]
    assert (chart.referral.state, chart.keys()) == (ReferralState.EXPIRED, [])


def test_a_referral_that_nobody_approved_expires() -> None:
    chart = awaiting_approval()
    start = chart.now
    chart.due("expire")
    assert chart.now == start + timedelta(days=7)
    assert chart.referral.state is ReferralState.EXPIRED


def test_nothing_expires_while_somebody_is_asked() -> None:
    """After an outage every deadline is due at once: the next destinations are asked before it expires."""
    chart = requested(BOTH)
    expires_at = chart.referral.expires_at
    assert expires_at is not None
    key = f"expire:{expires_at.isoformat()}"
    assert chart.later(days=9).when(c.MeetDeadline(key=key), SYSTEM) == ()
    assert chart.keys() == ["acknowledge", "decide"]


def test_an_overdue_arrival_is_an_alert_and_nothing_is_cancelled() -> None:
    chart = in_transit()
    start = chart.now
    assert names(chart.due("arrival")) == ["ArrivalOverdue"]
    assert chart.now == start + timedelta(minutes=95 + 15)
    assert (chart.referral.state, chart.keys()) == (ReferralState.IN_TRANSIT, ["arrival"])


def test_a_diversion_is_expected_anew() -> None:
    chart = in_transit()
    chart.due("arrival")
    chart.when(c.DivertPatient(destination_facility="east-hospital", reason=REASON), AMBULANCE)
    assert names(chart.due("arrival")) == ["ArrivalOverdue"]


def test_an_unread_outcome_report_is_an_alert() -> None:
    chart = treated()
    start = chart.now
    assert names(chart.due("outcome-report")) == ["OutcomeReportOverdue"]
    assert chart.now == start + timedelta(hours=24)
    assert (chart.referral.state, chart.keys()) == (ReferralState.TREATED, [])


def test_a_deadline_that_is_no_longer_open_gives_nothing() -> None:
    chart = requested()
    keys = [deadline.key for deadline in deadlines(chart.referral)]
    chart.when(c.DeclineReferral(reason=REASON), GENERAL)
    for key in (*keys, "decide:offers/other", "nonsense"):
        assert chart.when(c.MeetDeadline(key=key), SYSTEM) == ()
    moved = in_transit()
    (old,) = [deadline.key for deadline in deadlines(moved.referral)]
    moved.later(minutes=1).when(
        c.DivertPatient(destination_facility="east-hospital", reason=REASON), AMBULANCE
    )
    assert moved.when(c.MeetDeadline(key=old), SYSTEM) == ()


def test_only_the_system_meets_deadlines() -> None:
    (key, *_) = [deadline.key for deadline in deadlines(requested().referral)]
    for actor in (WUCAIWAN, GENERAL):
        refusal = requested().refused(c.MeetDeadline(key=key), actor, "SYSTEM_ONLY")
        assert isinstance(refusal, NotPermitted)
    requested().refused(c.MeetDeadline(key=key), EAST, "NotFound")


def test_each_urgency_has_its_own_limits() -> None:
    chart = requested(ROUTINE)
    due = {
        deadline.key.partition(":")[0]: deadline.due_at - chart.now for deadline in deadlines(chart.referral)
    }
    assert due == {"acknowledge": timedelta(hours=24), "decide": timedelta(hours=48)}
