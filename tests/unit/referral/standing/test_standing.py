"""Standing orders: scheduled, topped up, suspended, resumed, ended; who may; the table."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.referral.domain import commands as referral_commands
from services.referral.domain import standing as orders
from services.referral.domain import standing_commands as c
from services.referral.domain import standing_texts as texts
from services.referral.domain.referral_state import Referral
from services.referral.domain.referral_values import ReferralState
from services.referral.domain.standing_events import StandingScheduled, VisitsScheduled
from services.referral.domain.standing_state import week_of
from services.referral.domain.standing_transitions import TABLE, allowed_in, state_after
from services.referral.domain.standing_values import (
    StandingOrderState,
    StandingPolicy,
    VisitAsker,
    VisitState,
    Weekday,
)
from services.referral.domain.values import Pathway
from services.shared.kernel.actor import Role
from services.shared.kernel.refusals import InvalidInput, NotAllowed
from tests.unit.referral.referral.chart import Chart
from tests.unit.referral.referral.network import (
    COORDINATOR,
    DIRECTORY,
    EAST,
    OPERATOR,
    QITAI,
    QITAI_OFFICE,
    SYSTEM,
    WUCAIWAN,
    person,
)
from tests.unit.referral.standing.scenario import NO_REASON, NOW, PLAN, SCHEDULE, WHY, Series, names, running

S = StandingOrderState
SUSPEND = c.SuspendStanding(from_on="2026-03-09", until_on="2026-03-13", reason=WHY)
ADMITTED = c.SuspendStanding(from_on="2026-03-09", reason=WHY)
END = c.EndStanding(reason=WHY)


def days(series: Series, state: VisitState = VisitState.SCHEDULED) -> list[str]:
    return [visit.day for visit in series.order.visits if visit.state is state]


def test_visits_of_the_next_weeks_are_made() -> None:
    series = Series()
    (event,) = series.when(SCHEDULE)
    assert isinstance(event, StandingScheduled)
    order = series.order
    assert (order.state, order.facility, order.origin_facility) == (S.ACTIVE, "qitai-people", "wucaiwan")
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


def changed(**values: object) -> Referral:
    return replace(Series().referral, **values)  # type: ignore[arg-type]


def test_an_order_stands_on_an_accepted_referral_of_many_visits() -> None:
    for referral, code in (
        (changed(state=ReferralState.TREATED), "REFERRAL_NOT_ACCEPTED"),
        (changed(pathway=Pathway.STROKE), "PATHWAY_NOT_STANDING"),
        (changed(standing_order="standing_orders/1"), "STANDING_RUNNING"),
    ):
        refusal = Series(referral=referral).refused(SCHEDULE, QITAI, code)
        assert isinstance(refusal, NotAllowed)
        assert refusal.failed_rules[0].text.zh
    for state in (ReferralState.ARRIVED, ReferralState.IN_TREATMENT):
        assert Series(referral=changed(state=state)).when(SCHEDULE, QITAI_OFFICE)


def test_who_schedules() -> None:
    Series().refused(SCHEDULE, WUCAIWAN, "WRONG_FACILITY")
    Series().refused(SCHEDULE, EAST, "NotFound")
    Series().refused(SCHEDULE, person("qitai-people", Role.BED_DESK), "WRONG_ROLE")


GOOD: dict[type, c.StandingCommand] = {
    c.RecordVisit: c.RecordVisit(visit="v1"),
    c.ReportMissedVisit: c.ReportMissedVisit(visit="v1"),
    c.MoveVisit: c.MoveVisit(
        visit="v2", starts_at=NOW + timedelta(days=3), reason=WHY, asked_by=VisitAsker.PATIENT
    ),
    c.SuspendStanding: SUSPEND,
    c.ResumeStanding: c.ResumeStanding(from_on="2026-03-11"),
    c.EndStanding: END,
}


def active() -> Series:
    return running().later(hours=5)


def suspended() -> Series:
    series = active()
    series.when(ADMITTED)
    return series


def ended() -> Series:
    series = active()
    series.when(END)
    return series


def completed() -> Series:
    series = running(replace(PLAN, ends_on="2026-03-02"))
    series.due("complete")
    return series


TO_STATE = {S.ACTIVE: active, S.SUSPENDED: suspended, S.ENDED: ended, S.COMPLETED: completed}


@pytest.mark.parametrize(("kind", "state"), [(kind, state) for kind in GOOD for state in S])
def test_each_command_in_each_state(kind: type, state: S) -> None:
    series = TO_STATE[state]()
    assert series.order.state is state
    command = GOOD[kind]
    if state is S.COMPLETED and kind is c.RecordVisit:
        command = c.RecordVisit(visit="v1", attended_at=datetime(2026, 3, 2, 6, tzinfo=UTC))
    if kind.__name__ in allowed_in(state):
        assert series.when(command)
        return
    refusal = series.refused(command, QITAI, "NOT_ALLOWED_IN_STATE")
    assert isinstance(refusal, NotAllowed)
    assert (refusal.state, refusal.allowed_commands) == (state.value, allowed_in(state))


def test_who_may_do_what() -> None:
    for kind, command in GOOD.items():
        series = suspended() if kind is c.ResumeStanding else active()
        series.refused(command, EAST, "NotFound")
        series.refused(command, person("east-hospital", Role.COORDINATOR), "NotFound")
        series.refused(command, COORDINATOR, "WRONG_FACILITY")
        series.refused(command, person("qitai-people", Role.AMBULANCE), "WRONG_ROLE")
        if kind in (c.RecordVisit, c.ReportMissedVisit):
            series.refused(command, WUCAIWAN, "WRONG_FACILITY")
            assert series.when(command, person("qitai-people", Role.BED_DESK))
        else:
            series.refused(command, person("qitai-people", Role.BED_DESK), "WRONG_ROLE")
            assert series.when(command, WUCAIWAN)
    for internal in (c.MeetDeadline(key="complete"), c.FollowReferral(reason=WHY)):
        active().refused(internal, QITAI, "SYSTEM_ONLY")
        active().refused(internal, OPERATOR, "SYSTEM_ONLY")


def test_a_holiday_cancels_its_visits_and_leaves_the_order_active() -> None:
    series = active()
    series.when(SUSPEND)
    assert (series.order.state, series.order.cancelled_count) == (S.ACTIVE, 3)
    assert days(series, VisitState.CANCELLED) == ["2026-03-09", "2026-03-11", "2026-03-13"]
    assert not any(key in series.open_keys() for key in ("visit:v4", "visit:v5", "visit:v6"))
    far = c.SuspendStanding(from_on="2026-04-01", until_on="2026-04-05", reason=WHY)
    series.when(far)
    series.due("schedule")
    assert "2026-04-01" not in days(series)
    assert "2026-04-06" in days(series)


def test_an_admission_suspends_until_somebody_resumes() -> None:
    series = suspended()
    assert days(series) == ["2026-03-02", "2026-03-04", "2026-03-06"]
    assert not any(key.startswith("schedule") for key in series.open_keys())
    series.later(days=14)
    series.when(c.ResumeStanding(from_on="2026-03-18"), WUCAIWAN)
    order = series.order
    assert (order.state, order.suspensions[-1].until_on) == (S.ACTIVE, "2026-03-17")
    assert [day for day in days(series) if day > "2026-03-06"][:2] == ["2026-03-18", "2026-03-20"]
    assert order.scheduled_until == "2026-04-13"
    assert any(key.startswith("schedule") for key in series.open_keys())


def test_when_one_may_suspend_and_resume() -> None:
    series = active()
    series.refused(replace(SUSPEND, from_on="2026-03-01"), QITAI, "IN_THE_PAST")
    series.refused(replace(SUSPEND, until_on="2026-03-08"), QITAI, "BEFORE_FROM")
    series.refused(replace(SUSPEND, until_on="2026-03-32"), QITAI, "INVALID_DATE")
    series.refused(replace(SUSPEND, reason=NO_REASON), QITAI, "REASON_MISSING")
    series = suspended()
    series.refused(c.ResumeStanding(from_on="2026-03-08"), QITAI, "IN_THE_PAST")
    series.refused(c.ResumeStanding(from_on="2026-05-16"), QITAI, "TOO_FAR")
    series.later(days=30).refused(c.ResumeStanding(from_on="2026-03-31"), QITAI, "IN_THE_PAST")


def test_an_end_cancels_what_is_to_come() -> None:
    series = active()
    series.when(c.RecordVisit(visit="v1"))
    series.refused(c.EndStanding(reason=NO_REASON), QITAI, "REASON_MISSING")
    series.when(END, WUCAIWAN)
    order = series.order
    assert (order.state, order.end_reason, series.open_keys()) == (S.ENDED, WHY, [])
    assert (order.attended_count, order.cancelled_count) == (1, 12)
    assert not orders.is_live(order)


def test_an_order_ends_with_its_referral_once() -> None:
    series = active()
    (event,) = series.when(c.FollowReferral(reason=WHY), SYSTEM)
    assert getattr(event, "with_referral", False)
    assert series.when(c.FollowReferral(reason=WHY), SYSTEM) == ()


def test_the_last_day_completes_the_order_and_leaves_no_visit_open() -> None:
    series = running(replace(PLAN, ends_on="2026-03-04"))
    assert names(series.due("complete")) == [
        "VisitMissed",
        "VisitMissed",
        "VisitsMissedInARow",
        "StandingCompleted",
    ]
    assert series.now == datetime(2026, 3, 4, 16, tzinfo=UTC)
    assert (series.order.state, series.open_keys()) == (S.COMPLETED, [])
    late = running(replace(PLAN, ends_on="2026-03-04", at="23:00"))
    late.due("visit:v1")
    late.due("complete")
    assert late.now == datetime(2026, 3, 4, 19, tzinfo=UTC)


def test_a_deadline_that_is_not_open_gives_nothing() -> None:
    series = active()
    series.when(c.RecordVisit(visit="v1"))
    for key in ("visit:v1", "schedule:2026-01-01", "nonsense"):
        assert series.when(c.MeetDeadline(key=key), SYSTEM) == ()


def test_facets_are_what_visits_are_found_by() -> None:
    found = orders.facets(active().order)
    assert found["parties"] == ["wucaiwan", "qitai-people"]
    assert (found["live"], found["state"], found["facility"]) == (True, "ACTIVE", "qitai-people")
    assert "2026-03-04" in found["days"]  # type: ignore[operator]
    assert found["weeks"] == ["2026-W10", "2026-W11", "2026-W12", "2026-W13", "2026-W14"]
    assert week_of("2026-12-31") == "2026-W53"


def test_the_table_has_names_and_refuses_what_it_does_not_have() -> None:
    given = {row.command.__name__ for row in TABLE}
    assert given == texts.COMMANDS.keys() | {"FollowReferral", "MeetDeadline"}
    assert {row.event for row in TABLE} == set(orders.EVENTS)
    assert texts.EVENTS.keys() == {event.__name__ for event in orders.EVENTS}
    assert texts.STATES.keys() == set(S)
    with pytest.raises(ValueError, match="cannot follow None"):
        state_after(None, ended().events[-1])


def test_a_referral_knows_the_order_that_runs_on_it() -> None:
    chart = Chart(state=Series().referral)
    chart.stored = [b""] * Series().referral.version
    opened = referral_commands.FollowStanding(standing_order="standing_orders/1", over=False)
    chart.refused(opened, QITAI, "SYSTEM_ONLY")
    chart.when(opened, SYSTEM)
    assert chart.referral.standing_order == "standing_orders/1"
    other = referral_commands.FollowStanding(standing_order="standing_orders/2", over=True)
    assert chart.when(other, SYSTEM) == ()
    gone = chart.copy()
    gone.when(referral_commands.WithdrawAcceptance(reason=WHY), QITAI)
    assert gone.referral.standing_order == ""
    dead = chart.copy()
    dead.when(referral_commands.RecordDeath(died_at=dead.now, certifier="张医生"), WUCAIWAN)
    assert dead.referral.standing_order == ""
    treated = chart.copy()
    treated.when(referral_commands.ReportArrival(patient="patient-7"), QITAI)
    assert treated.referral.standing_order == "standing_orders/1"
    treated.state = replace(treated.referral, state=ReferralState.TREATED)
    close = referral_commands.CloseReferral(outcome_report_acknowledged=True)
    assert "standing_orders/1" in str(treated.refused(close, WUCAIWAN, "STANDING_RUNNING"))
    over = referral_commands.FollowStanding(standing_order="standing_orders/1", over=True)
    treated.when(over, SYSTEM)
    assert treated.when(close, WUCAIWAN)


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
