"""MeetDeadline: every 2 minutes, then the next step, until somebody answers or nobody is left."""

from dataclasses import replace
from datetime import datetime, timedelta

from services.notification.domain.alert import deadlines, facets, parties
from services.notification.domain.commands import AcknowledgeAlert, MeetDeadline
from services.notification.domain.events import AlertEscalated
from services.notification.domain.values import AlertState
from tests.unit.notification.scenario import (
    ACKNOWLEDGED,
    BRANCH,
    DUTY,
    HOSPITAL,
    NOW,
    SETTLED,
    TRIGGERED,
    Given,
    escalated,
    escalation_step,
    given,
    triggered_by,
)

ESCALATE = MeetDeadline(key="escalate")


def minutes(number: int) -> datetime:
    return NOW + timedelta(minutes=number)


def test_the_whole_policy_is_called_step_by_step_and_ends() -> None:
    """Two rounds of duty, one of backup, two of fallback; then nobody is left to call."""
    calls = (
        escalated(0, 2, "dr-li", "dr-wang", at=minutes(2)),
        escalated(1, 1, "dr-zhao", at=minutes(4)),
        escalated(2, 1, "platform-duty", at=minutes(6)),
        escalated(2, 2, "platform-duty", at=minutes(8)),
        escalated(2, 2, at=minutes(10), exhausted=True),
    )
    now = given(TRIGGERED)
    for index, call in enumerate(calls, start=1):
        due = deadlines(now.state)
        assert [deadline.due_at for deadline in due] == [minutes(2 * index)]
        state = now.when(ESCALATE, at=minutes(2 * index)).then(call)
        now = Given(state)
    assert now.state.escalation_exhausted
    assert now.state.state is AlertState.TRIGGERED, "it stays on the board, unanswered"
    assert deadlines(now.state) == ()
    now.when(ESCALATE, at=minutes(12)).then_nothing()


def test_ten_calls_take_twenty_minutes() -> None:
    """docs/domain.md, Alerts: repeated every 2 min for 20 min, then the next step."""
    policy = (escalation_step("duty", "dr-li"), escalation_step("backup", "dr-zhao"))
    now = Given(given().when(triggered_by("e-1", policy)).state)
    for call in range(1, 11):
        now = Given(now.when(ESCALATE, at=minutes(2 * call)).state)
    assert (now.state.escalation_step, now.state.escalation_round) == (1, 1)
    assert now.state.deliveries[-1].recipient == "dr-zhao"
    assert now.state.deliveries[-1].attempted_at == minutes(20)
    assert len([item for item in now.state.deliveries if item.recipient == "dr-li"]) == 10


def test_after_an_outage_nobody_gets_a_burst_of_calls() -> None:
    state = given(TRIGGERED).when(ESCALATE, at=minutes(60)).state
    assert (state.escalation_step, state.escalation_round) == (0, 2)
    assert state.next_call_at == minutes(62)


def test_a_call_that_is_a_little_late_does_not_shift_the_next() -> None:
    """A restart of the service leaves the plan as it was fixed."""
    late = minutes(2) + timedelta(seconds=50)
    state = given(TRIGGERED).when(ESCALATE, at=late).state
    assert state.next_call_at == minutes(4)
    assert state.deliveries[-1].attempted_at == late
    too_late = minutes(3) + timedelta(seconds=1)
    again = given(TRIGGERED).when(ESCALATE, at=too_late).state
    assert again.next_call_at == too_late + timedelta(minutes=2), "nobody is called twice in a moment"


def test_a_call_has_the_same_id_however_often_it_is_worked_out_and_no_other_call_has_it() -> None:
    def ids(now: Given) -> list[str]:
        found: list[str] = []
        for number in range(1, 6):
            outcome = now.when(ESCALATE, at=minutes(2 * number))
            found += [
                call.id
                for event in outcome.events
                if isinstance(event, AlertEscalated)
                for call in event.calls
            ]
            now = Given(outcome.state)
        return found

    first, again = ids(given(TRIGGERED)), ids(given(TRIGGERED))
    assert first == again
    second_run = given(TRIGGERED).when(triggered_by("e-2")).state
    every = [*(call.id for call in TRIGGERED.calls), *first, *ids(Given(second_run))]
    assert len(every) == len(set(every)) == 2 + 5 + 5


def test_each_trigger_begins_another_run() -> None:
    state = given(TRIGGERED).when(triggered_by("e-2")).state
    assert (given(TRIGGERED).state.escalation_run, state.escalation_run) == (1, 2)


def test_acknowledging_stops_the_calls() -> None:
    given(TRIGGERED, ACKNOWLEDGED).when(ESCALATE, at=minutes(2)).then_nothing()
    assert deadlines(given(TRIGGERED, ACKNOWLEDGED).state) == ()


def test_what_is_settled_calls_nobody() -> None:
    given(TRIGGERED, SETTLED).when(ESCALATE, at=minutes(2)).then_nothing()
    assert deadlines(given(TRIGGERED, SETTLED).state) == ()


def test_a_deadline_that_is_not_due_any_more_calls_nobody() -> None:
    """It was triggered anew between the reading of the deadline and the command."""
    again = Given(given(TRIGGERED).when(triggered_by("e-2"), at=minutes(1)).state)
    again.when(ESCALATE, at=minutes(2)).then_nothing()
    again.when(ESCALATE, at=minutes(3)).then(
        escalated(0, 2, "dr-li", "dr-wang", at=minutes(3), run=2, cause="e-2")
    )


def test_an_unknown_key_is_no_deadline_of_an_alert() -> None:
    given(TRIGGERED).when(MeetDeadline(key="acknowledge"), at=minutes(2)).then_nothing()


def test_only_the_platform_escalates_what_exists() -> None:
    given(TRIGGERED).when(ESCALATE, by=DUTY, at=minutes(2)).then_not_permitted("SYSTEM_ONLY")
    given().when(ESCALATE, at=minutes(2)).then_not_found()


def test_a_facility_sees_the_alert_once_its_people_are_called() -> None:
    policy = (escalation_step("duty", "dr-li", facility=BRANCH, rounds=1), escalation_step("lead", "dr-ma"))
    trigger = replace(triggered_by("e-1", policy), facility=BRANCH)
    first = given().when(trigger).state
    assert parties(first) == (BRANCH,)
    second = Given(first).when(ESCALATE, at=minutes(2)).state
    assert facets(second)["parties"] == [BRANCH, HOSPITAL]
    again = Given(second).when(replace(trigger, cause_event_id="e-2"), at=minutes(3)).state
    assert parties(again) == (BRANCH, HOSPITAL), "who was called may still look"


def test_a_step_that_waits_for_nobody_is_the_last() -> None:
    policy = (escalation_step("duty", "dr-li", rounds=1), escalation_step("lead", "dr-ma", repeat_s=0))
    first = given().when(triggered_by("e-1", policy))
    state = Given(first.state).when(ESCALATE, at=minutes(2)).state
    assert state.escalation_step == 1
    assert deadlines(state) == ()


def test_the_escalation_ends_for_the_acknowledger_too() -> None:
    state = given(TRIGGERED).when(AcknowledgeAlert(), by=DUTY, at=minutes(1)).state
    assert state.next_call_at is None
    assert (state.escalation_step, state.escalation_round) == (0, 1), "how far it came stays to be seen"
