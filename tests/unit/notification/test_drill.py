"""Drills: silent, held once a day, and each is answered, missed or known not to have been held."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from services.notification.adapters.board_policy_file import BoardsFileError, load_board_policy
from services.notification.domain import drill, drill_plan
from services.notification.domain.board import Place
from services.notification.domain.board_alerts import drill_alert, no_board_alert
from services.notification.domain.board_policy import BoardPolicy, DrillTiming
from services.notification.domain.drill import Drill, DrillState, scheduled_drill_name, summaries
from services.notification.domain.drill_events import (
    DrillAnswered,
    DrillClosed,
    DrillMissed,
    DrillNotHeld,
    DrillStarted,
)
from services.notification.domain.duty_steps import Rosters
from services.notification.domain.values import Severity
from tests.unit.notification.folding import folded
from tests.unit.notification.occurrences import DIRECTORY
from tests.unit.notification.rosters import duty, roster_of
from tests.unit.notification.rule_cases import CATALOGUE
from tests.unit.notification.scenario import DUTY, HOSPITAL, NOW, given

POLICY = BoardPolicy(
    live_s=15,
    limit_s=60,
    centres=("STROKE", "CHEST_PAIN"),
    facilities=("wall-only",),
    drill=DrillTiming(at=time(7, 45), answer_within_s=600, late_max_s=7200),
    utc_offset_minutes=480,
)
NAME = scheduled_drill_name(drill_plan.plan_name(HOSPITAL, "STROKE"), NOW)
ROSTERS = Rosters(
    own=roster_of(duty("dr-li", channels=("sms",)), duty("dr-b", step="backup"), duty("l", step="lead")),
    lead=None,
)
STARTED: DrillStarted = drill.start(
    NAME,
    facility=HOSPITAL,
    centre="STROKE",
    scheduled=True,
    without_board=False,
    at=NOW,
    answer_within_s=600,
)


def held(*events: Any, after: timedelta = timedelta(seconds=40)) -> Drill:
    state = folded("drill", NAME, None, STARTED)
    for event in events:
        state = folded("drill", NAME, state, event, at=NOW + after, by=DUTY)
    assert isinstance(state, Drill)
    return state


def test_an_answer_is_timed_and_takes_the_alert_off_the_boards() -> None:
    assert drill.answer(held()) == (DrillAnswered(),)
    answered = held(DrillAnswered())
    assert (answered.state, answered.response_ms, answered.answered_by) == (DrillState.ANSWERED, 40_000, DUTY)
    assert [each.key for each in drill.deadlines(answered)] == ["close"]
    assert drill.meet_deadline(answered, "close") == (DrillClosed(),)
    assert drill.meet_deadline(answered, "missed") == ()
    assert drill.deadlines(held(DrillAnswered(), DrillClosed())) == ()


def test_without_an_answer_it_is_missed_and_a_late_answer_changes_nothing() -> None:
    (deadline,) = drill.deadlines(held())
    assert (deadline.key, deadline.due_at) == ("missed", NOW + timedelta(seconds=600))
    assert drill.meet_deadline(held(), "missed") == (DrillMissed(),)
    missed = held(DrillMissed())
    assert drill.deadlines(missed) == ()
    assert drill.answer(missed) == ()
    assert drill.answer(None) == ()


def test_the_alert_is_silent_and_calls_nobody_beyond_the_duty() -> None:
    command = drill_alert(NAME, STARTED, rosters=ROSTERS, at=NOW)
    assert command.severity is Severity.INFORMATION
    assert command.drill
    (step,) = command.escalation
    assert [(each.user, each.channels) for each in step.recipients] == [("dr-li", ())]
    state = given().when(command).state
    assert state.drill
    assert state.next_call_at is None
    (event,) = given().when(command).events
    assert event.calls == ()  # type: ignore[union-attr]
    assert "演练" in state.title.zh
    assert "DRILL" in state.title.en
    nobody = drill_alert(NAME, STARTED, rosters=Rosters(own=None, lead=None), at=NOW)
    assert nobody.escalation == ()


def test_no_board_calls_lead_and_fallback_and_not_those_who_look_at_the_board() -> None:
    command = no_board_alert(
        Place(facility=HOSPITAL),
        ("STROKE",),
        "NO_BOARD/boards/jimsar-general/2",
        cause_event_id="e-2",
        catalogue=CATALOGUE,
        directory=DIRECTORY,
        rosters=ROSTERS,
        at=NOW,
    )
    called = [recipient.user for step in command.escalation for recipient in step.recipients]
    assert called[0] == "l"
    assert "dr-li" not in called
    assert set(called) >= {recipient.user for recipient in CATALOGUE.fallback.recipients}
    assert not command.drill


def test_of_a_centres_boards_its_own_lead_is_told_by_name_and_no_other_centres() -> None:
    leads = [duty(f"lead-{role}", role, "lead") for role in ("STROKE", "CHEST_PAIN")]
    command = no_board_alert(
        Place(facility=HOSPITAL, centre="CHEST_PAIN"),
        ("STROKE", "CHEST_PAIN"),
        "NO_BOARD/boards/jimsar-general/CHEST_PAIN/2",
        cause_event_id="e-2",
        catalogue=CATALOGUE,
        directory=DIRECTORY,
        rosters=Rosters(own=roster_of(*leads), lead=None),
        at=NOW,
    )
    assert (command.role, command.subject) == ("CHEST_PAIN", f"boards/{HOSPITAL}/CHEST_PAIN")
    called = [recipient.user for step in command.escalation for recipient in step.recipients]
    assert "lead-CHEST_PAIN" in called
    assert "lead-STROKE" not in called
    assert "胸痛中心" in command.title.zh
    assert "chest pain centre" in command.body.en


def test_a_day_has_one_drill_at_the_sites_local_time() -> None:
    evening = datetime(2025, 7, 4, 12, 0, tzinfo=UTC)
    first = POLICY.next_drill(evening)
    assert first == datetime(2025, 7, 4, 23, 45, tzinfo=UTC)
    assert POLICY.next_drill(first) == first + timedelta(days=1)
    plan = drill_plan.plan_name(HOSPITAL, "STROKE")
    assert scheduled_drill_name(plan, first) != scheduled_drill_name(plan, first + timedelta(days=1))


def test_a_plan_moves_on_and_follows_the_sites_time() -> None:
    name = drill_plan.plan_name(HOSPITAL, "STROKE")
    first = POLICY.next_drill(NOW)
    assert first is not None
    (planned,) = drill_plan.plan(None, HOSPITAL, "STROKE", first)
    state = folded("drill_plan", name, None, planned)
    assert drill_plan.deadlines(state)[0].due_at == first
    assert drill_plan.is_held_at(state, POLICY)
    assert drill_plan.plan(state, HOSPITAL, "STROKE", first) == ()
    off = BoardPolicy(
        live_s=15,
        limit_s=60,
        centres=(),
        facilities=(),
        drill=DrillTiming(at=None, answer_within_s=1, late_max_s=0),
        utc_offset_minutes=480,
    )
    assert not drill_plan.is_held_at(state, off)
    assert off.next_drill(NOW) is None
    (ended,) = drill_plan.plan(state, HOSPITAL, "STROKE", None)
    over = folded("drill_plan", name, state, ended)
    assert drill_plan.deadlines(over) == ()
    assert drill_plan.is_held_at(over, off)


def test_a_report_counts_what_was_held_answered_and_missed() -> None:
    away = folded("drill", NAME, None, DrillNotHeld(facility=HOSPITAL, centre="STROKE", due_at=NOW))
    assert (away.state, drill.deadlines(away)) == (DrillState.NOT_HELD, ())
    slow = held(DrillAnswered(), after=timedelta(seconds=100))
    (found,) = summaries([held(DrillAnswered()), slow, held(DrillMissed()), away])
    assert (found.held, found.answered, found.missed, found.not_held) == (3, 2, 1, 1)
    assert (found.median_response_ms, found.slowest_response_ms) == (70_000, 100_000)
    (never,) = summaries([held(DrillMissed())])
    assert (never.median_response_ms, never.slowest_response_ms) == (None, None)


def test_centres_that_had_a_board_and_named_facilities_are_expected_to_have_one() -> None:
    assert POLICY.expects_board(HOSPITAL, ("ECG", "STROKE"))
    assert POLICY.expects_board("wall-only", ())
    assert not POLICY.expects_board("wucaiwan", ("REHABILITATION",))
    assert POLICY.centres_of(("CHEST_PAIN", "STROKE")) == ("STROKE", "CHEST_PAIN")


def test_the_products_file_is_sound_and_a_mistake_is_named(tmp_path: Any) -> None:
    policy = load_board_policy(utc_offset_minutes=480)
    assert (policy.drill.at, policy.limit_s) == (time(7, 45), 60)
    path = tmp_path / "boards.yaml"
    good = (
        "{live_s: 15, limit_s: 60, centres: [], facilities: [], drill: {answer_within_s: 60, late_max_s: 0}}"
    )
    path.write_text(good)
    assert load_board_policy(path, utc_offset_minutes=0).drill.at is None
    for bad in ("limit_s: 60", "live_s: 15", "answer_within_s: 60"):
        path.write_text(good.replace(bad, bad.rpartition(" ")[0] + " 0"))
        with pytest.raises(BoardsFileError, match=r"boards\.yaml"):
            load_board_policy(path, utc_offset_minutes=0)
    path.write_text(good.replace("live_s", "liv_s"))
    with pytest.raises(BoardsFileError, match="liv"):
        load_board_policy(path, utc_offset_minutes=0)
