"""Visits: attended, missed, missed in a row, moved."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from services.referral.domain import standing_commands as c
from services.referral.domain.standing_events import VisitMissed, VisitsMissedInARow
from services.referral.domain.standing_state import VISITS_KEPT
from services.referral.domain.standing_values import VisitAsker, VisitState
from tests.unit.referral.referral.network import QITAI, WUCAIWAN
from tests.unit.referral.standing.scenario import NO_REASON, PLAN, WHY, Series, names, running

FIRST = datetime(2026, 3, 2, 6, tzinfo=UTC)
CAME = c.RecordVisit(visit="v1", note="干体重 62 kg")
AWAY = c.ReportMissedVisit(visit="v1", reason=WHY)
THURSDAY = datetime(2026, 3, 5, 6, tzinfo=UTC)
MOVE = c.MoveVisit(visit="v2", starts_at=THURSDAY, reason=WHY, asked_by=VisitAsker.FAMILY)


def begun() -> Series:
    return running().later(hours=5)


def test_a_visit_is_attended_on_its_day() -> None:
    series = begun()
    series.when(replace(CAME, attended_at=FIRST))
    visit = series.visit("v1")
    assert (visit.state, visit.attended_at, visit.note) == (VisitState.ATTENDED, FIRST, "干体重 62 kg")
    assert (visit.recorded_by, visit.recorded_late) == (QITAI.user, False)
    assert (series.order.attended_count, "visit:v1" in series.open_keys()) == (1, False)
    begun().refused(replace(CAME, visit="v2"), QITAI, "NOT_ON_ITS_DAY")
    begun().refused(replace(CAME, attended_at=FIRST + timedelta(hours=9)), QITAI, "IN_THE_FUTURE")
    begun().refused(replace(CAME, visit="v99"), QITAI, "UNKNOWN_VISIT")
    series.refused(CAME, QITAI, "VISIT_OVER")


def test_who_comes_before_the_hour_is_attended() -> None:
    assert names(running().when(CAME)) == ["VisitAttended"]


def test_a_visit_is_reported_missed_after_its_beginning() -> None:
    series = begun()
    series.when(AWAY)
    visit = series.visit("v1")
    assert (visit.state, visit.reason, visit.missed_by_deadline) == (VisitState.MISSED, WHY, False)
    running().refused(AWAY, QITAI, "VISIT_NOT_BEGUN")
    series.refused(AWAY, QITAI, "VISIT_OVER")


def test_a_visit_that_nobody_recorded_is_missed_by_its_deadline_and_once() -> None:
    series = running()
    (event,) = series.due("visit:v1")
    assert series.now == FIRST + timedelta(hours=4)
    assert isinstance(event, VisitMissed)
    assert (event.by_deadline, event.facility) == (True, "qitai-people")
    assert series.visit("v1").missed_by_deadline
    assert "visit:v1" not in series.open_keys()


def test_two_missed_in_a_row_are_an_alert() -> None:
    series = running()
    assert names(series.due("visit:v1")) == ["VisitMissed"]
    missed, alert = series.due("visit:v2")
    assert isinstance(alert, VisitsMissedInARow)
    assert isinstance(missed, VisitMissed)
    assert (alert.facility, alert.origin_facility) == ("qitai-people", "wucaiwan")
    assert alert.visits == ("v1", "v2")
    assert (alert.first_starts_at, alert.last_starts_at) == (FIRST, FIRST + timedelta(days=2))
    assert series.order.missed_in_a_row == 2
    assert names(series.due("visit:v3")) == ["VisitMissed", "VisitsMissedInARow"]


def test_who_came_in_between_misses_none_in_a_row() -> None:
    series = running()
    series.due("visit:v1")
    series.now = FIRST + timedelta(days=2)
    series.when(c.RecordVisit(visit="v2"))
    assert names(series.due("visit:v3")) == ["VisitMissed"]
    assert series.order.missed_in_a_row == 1


def test_deadlines_that_come_in_any_order_alert_all_the_same() -> None:
    series = running()
    series.now = FIRST + timedelta(days=3)
    assert names(series.due("visit:v2")) == ["VisitMissed"]
    assert names(series.due("visit:v1")) == ["VisitMissed", "VisitsMissedInARow"]
    other = running()
    other.now = FIRST + timedelta(days=2)
    other.when(c.RecordVisit(visit="v2"))
    assert names(other.due("visit:v1")) == ["VisitMissed"]


def test_who_came_after_all_is_put_right_and_marked() -> None:
    series = running()
    series.due("visit:v1")
    series.due("visit:v2")
    series.when(c.RecordVisit(visit="v2", attended_at=FIRST + timedelta(days=2)))
    visit = series.visit("v2")
    assert (visit.state, visit.recorded_late) == (VisitState.ATTENDED, True)
    order = series.order
    assert (order.attended_count, order.missed_count, order.missed_in_a_row) == (1, 1, 0)


def test_a_moved_visit_leaves_its_time_to_another() -> None:
    series = begun()
    series.when(MOVE, WUCAIWAN)
    old, new = series.visit("v2"), series.visit("v14")
    assert (old.state, old.moved_to, old.asked_by) == (VisitState.MOVED, "v14", VisitAsker.FAMILY)
    assert (new.state, new.starts_at, new.moved_from) == (VisitState.SCHEDULED, THURSDAY, "v2")
    assert {"visit:v14"} <= set(series.open_keys())
    assert "visit:v2" not in series.open_keys()
    assert series.order.moved_count == 1
    series.refused(replace(MOVE, starts_at=THURSDAY + timedelta(days=2)), QITAI, "VISIT_OVER")
    series.refused(MOVE, QITAI, "VISIT_OVER", "TIME_TAKEN")
    series.when(replace(MOVE, visit="v14", starts_at=THURSDAY + timedelta(hours=1)))
    assert series.visit("v15").moved_from == "v14"


def test_a_missed_visit_is_made_good_for_once_and_stays_missed() -> None:
    series = begun()
    series.when(AWAY)
    series.when(replace(MOVE, visit="v1"))
    visit = series.visit("v1")
    assert (visit.state, visit.moved_to, series.order.moved_count) == (VisitState.MISSED, "v14", 0)
    series.refused(replace(MOVE, visit="v1", starts_at=THURSDAY + timedelta(days=2)), QITAI, "VISIT_OVER")


def test_no_two_visits_are_at_one_time() -> None:
    series = begun()
    friday = FIRST + timedelta(days=4)
    for moment in (friday, friday + timedelta(hours=3, minutes=59), friday - timedelta(hours=3)):
        refusal = series.refused(replace(MOVE, starts_at=moment), QITAI, "TIME_TAKEN")
        assert "v3" in str(refusal)
    assert series.when(replace(MOVE, starts_at=friday + timedelta(hours=4)))


def test_a_visit_may_shift_a_little_within_its_own_time() -> None:
    assert begun().when(replace(MOVE, starts_at=FIRST + timedelta(days=2, hours=1)))


def test_where_a_visit_may_not_move_to() -> None:
    series = begun()
    for moment, reason in (
        (FIRST, "IN_THE_PAST"),
        (datetime(2026, 4, 1, 6, tzinfo=UTC), "TOO_FAR"),
    ):
        series.refused(replace(MOVE, starts_at=moment), QITAI, reason)
    series.refused(replace(MOVE, reason=NO_REASON), QITAI, "REASON_MISSING")
    series.when(c.SuspendStanding(from_on="2026-03-05", until_on="2026-03-05", reason=WHY))
    series.refused(MOVE, QITAI, "SUSPENDED_THEN")


def test_a_visit_moved_ahead_keeps_its_time_when_more_are_made() -> None:
    """A moved visit stands where the plan would put another one after a suspension."""
    series = begun()
    series.when(replace(MOVE, starts_at=datetime(2026, 3, 10, 6, tzinfo=UTC)))
    series.when(c.SuspendStanding(from_on="2026-03-12", reason=WHY))
    series.later(days=5)
    series.when(c.ResumeStanding(from_on="2026-03-12"))
    starts = [visit.starts_at for visit in series.order.visits if visit.state is VisitState.SCHEDULED]
    assert len(starts) == len(set(starts))


def test_what_is_long_over_is_in_the_timeline_alone() -> None:
    series = running(replace(PLAN, ends_on="2026-12-31"))
    for _ in range(24):
        series.due("schedule")
    for number in range(1, 61):
        series.due(f"visit:v{number}")
    order = series.order
    over = [visit for visit in order.visits if visit.state is not VisitState.SCHEDULED]
    assert (len(over), over[-1].id, order.missed_count) == (VISITS_KEPT, "v60", 60)


def test_who_the_patient_is_stands_in_no_note() -> None:
    series = begun()
    series.refused(replace(CAME, note="家属13912345678"), QITAI, "TELEPHONE_IN_TEXT")
