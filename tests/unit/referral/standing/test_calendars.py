"""Which visits a standing order makes, and the calendar that comes with an acceptance."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from services.referral.domain import standing as orders
from services.referral.domain.standing_events import StandingScheduled, VisitsScheduled
from services.referral.domain.standing_values import StandingOrderState, StandingPolicy, Weekday
from services.referral.domain.values import Pathway
from services.shared.kernel.refusals import InvalidInput, NotAllowed
from tests.unit.referral.referral.network import DIRECTORY, QITAI
from tests.unit.referral.standing.scenario import PLAN, SCHEDULE, Series, days, names, running


def test_visits_of_the_next_weeks_are_made() -> None:
    series = Series()
    (event,) = series.when(SCHEDULE)
    assert isinstance(event, StandingScheduled)
    order = series.order
    assert (order.state, order.facility, order.origin_facility) == (
        StandingOrderState.ACTIVE,
        "qitai-people",
        "wucaiwan",
    )
    assert days(series)[:4] == ["2026-03-02", "2026-03-04", "2026-03-06", "2026-03-09"]
    assert days(series)[-1] == order.scheduled_until == "2026-03-30"
    assert len(order.visits) == 13
    assert series.visit("v1").starts_at == datetime(2026, 3, 2, 6, tzinfo=UTC)
    assert series.visit("v1").record_by == datetime(2026, 3, 2, 10, tzinfo=UTC)


def test_visits_of_the_past_are_not_made() -> None:
    series = Series().later(hours=5)
    series.when(replace(SCHEDULE, plan=replace(PLAN, starts_on="2026-02-02")))
    assert days(series)[0] == "2026-03-04"


def test_an_order_that_begins_later_is_topped_up_before_it_does() -> None:
    series = running(replace(PLAN, starts_on="2026-05-01"))
    assert (series.order.visits, series.order.scheduled_until) == ((), "2026-04-30")
    series.due("schedule")
    assert days(series)[0] == "2026-05-01"


def test_more_visits_follow_by_themselves_until_the_last_day() -> None:
    series = running()
    (event,) = series.due("schedule")
    assert series.now == datetime(2026, 3, 9, 16, tzinfo=UTC)
    assert isinstance(event, VisitsScheduled)
    assert event.visits[0].day == "2026-04-01"
    while any(key.startswith("schedule") for key in series.open_keys()):
        series.due("schedule")
    assert days(series)[-1] == "2026-05-15"
    assert len({visit.id for visit in series.order.visits}) == len(series.order.visits) == 33


def test_an_outage_loses_no_visit() -> None:
    series = running()
    series.later(days=40)
    (event,) = series.due("schedule")
    assert isinstance(event, VisitsScheduled)
    assert event.visits[0].day == "2026-04-01"
    assert names(series.due(f"visit:{event.visits[0].id}")) == ["VisitMissed"]


def test_what_a_plan_may_not_say() -> None:
    for plan, reason in (
        (replace(PLAN, ends_on="2026-02-30"), "INVALID_DATE"),
        (replace(PLAN, at="25:00"), "INVALID_TIME"),
        (replace(PLAN, weekdays=(Weekday.MONDAY, Weekday.MONDAY)), "TWICE"),
        (replace(PLAN, ends_on="2026-03-01", starts_on="2026-02-01"), "OVER"),
        (replace(PLAN, ends_on="2026-03-01"), "OVER"),
        (replace(PLAN, ends_on="2027-03-04"), "TOO_LONG"),
        (replace(PLAN, starts_on="2027-03-04", ends_on="2027-03-05"), "TOO_LONG"),
        (replace(PLAN, weekdays=(Weekday.SUNDAY,), ends_on="2026-03-07"), "NO_VISIT"),
    ):
        Series().refused(replace(SCHEDULE, plan=plan), QITAI, reason)
    assert Series().when(replace(SCHEDULE, plan=replace(PLAN, ends_on="2027-03-03")))


def test_the_calendar_comes_with_the_acceptance() -> None:
    series = Series()
    context = series.context(QITAI)
    alone = orders.decide_schedule(SCHEDULE, context, referral=series.referral, directory=DIRECTORY)
    assert orders.decide_with_acceptance(PLAN, context, accepted=series.referral) == alone


def test_a_calendar_that_does_not_fit_is_refused_with_every_fault() -> None:
    series = Series()
    stroke = replace(series.referral, pathway=Pathway.STROKE)
    plan = replace(PLAN, at="25:00", starts_on="2026-02-30")
    with pytest.raises(InvalidInput) as caught:
        orders.decide_with_acceptance(plan, series.context(QITAI), accepted=stroke)
    assert [(each.field, each.reason) for each in caught.value.violations] == [
        ("standing_plan", "PATHWAY_NOT_STANDING"),
        ("standing_plan.starts_on", "INVALID_DATE"),
        ("standing_plan.at", "INVALID_TIME"),
    ]


def test_a_referral_has_one_calendar() -> None:
    series = Series()
    running_already = replace(series.referral, standing_order="standing_orders/other")
    with pytest.raises(NotAllowed) as caught:
        orders.decide_with_acceptance(PLAN, series.context(QITAI), accepted=running_already)
    assert [rule.code for rule in caught.value.failed_rules] == ["STANDING_RUNNING"]


def test_a_site_with_another_clock_and_horizon_has_its_own_visits() -> None:
    series = Series()
    policy = StandingPolicy(utc_offset_minutes=360, horizon_days=7, top_up_days=3, record_within_s=3600)
    (event,) = orders.decide_schedule(
        SCHEDULE, series.context(QITAI), referral=series.referral, directory=DIRECTORY, policy=policy
    )
    assert isinstance(event, StandingScheduled)
    assert len(event.visits) == 4
    assert event.visits[0].starts_at == datetime(2026, 3, 2, 8, tzinfo=UTC)
    assert event.visits[0].record_by == datetime(2026, 3, 2, 9, tzinfo=UTC)
