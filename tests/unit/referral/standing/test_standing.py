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
from services.referral.domain.standing_state import week_of
from services.referral.domain.standing_transitions import TABLE, allowed_in, state_after
from services.referral.domain.standing_values import StandingOrderState, VisitAsker, VisitState
from services.referral.domain.values import Pathway
from services.shared.kernel.actor import Role
from services.shared.kernel.refusals import NotAllowed
from tests.unit.referral.referral.chart import Chart
from tests.unit.referral.referral.network import (
    COORDINATOR,
    EAST,
    OPERATOR,
    QITAI,
    QITAI_OFFICE,
    SYSTEM,
    WUCAIWAN,
    person,
)
from tests.unit.referral.standing.scenario import (
    NO_REASON,
    NOW,
    PLAN,
    SCHEDULE,
    WHY,
    Series,
    days,
    names,
    running,
)

S = StandingOrderState
SUSPEND = c.SuspendStanding(from_on="2026-03-09", until_on="2026-03-13", reason=WHY)
ADMITTED = c.SuspendStanding(from_on="2026-03-09", reason=WHY)
END = c.EndStanding(reason=WHY)


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
