"""TriggerAlert: the first call, the same thing again, and a resolved alert that is triggered anew."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.notification.domain import events as happened
from services.notification.domain.alert import Alert, alert_name, deadlines, facets
from services.notification.domain.values import AlertState, Delivery, DeliveryOutcome
from services.shared.kernel.actor import Role
from services.shared.kernel.command import Deadline
from services.shared.kernel.text import BilingualText
from tests.unit.notification.scenario import (
    ACKNOWLEDGED,
    DUTY,
    HOSPITAL,
    KEY,
    NOW,
    POLICY,
    REFERRAL,
    SETTLED,
    TRIGGER,
    TRIGGERED,
    TWO_MINUTES,
    called,
    escalated,
    escalation_step,
    given,
    person,
    sent,
    triggered_by,
)

LATER = NOW + timedelta(minutes=7)


def test_a_trigger_calls_the_first_step_at_once() -> None:
    state = given().when(TRIGGER).then(TRIGGERED)
    assert state.name == alert_name(KEY, None)
    for said in ("rule", "dedup_key", "severity", "facility", "role", "pathway", "urgency", "subject"):
        assert getattr(state, said) == getattr(TRIGGER, said)
    for said in ("episode", "title", "body", "action", "act_by", "escalation", "cause_event_id"):
        assert getattr(state, said) == getattr(TRIGGER, said)
    assert (state.version, state.state) == (1, AlertState.TRIGGERED)
    assert (state.escalation_step, state.escalation_round) == (0, 1)
    assert state.deliveries == (sent("dr-li"), sent("dr-wang"))
    assert (state.occurred_at, state.triggered_at) == (NOW, NOW)
    assert deadlines(state) == (Deadline(key="escalate", due_at=NOW + TWO_MINUTES),)


def test_calls_count_from_receipt_and_the_alert_from_the_clinical_time() -> None:
    state = given().when(TRIGGER, at=NOW, recorded_at=LATER).state
    assert (state.occurred_at, state.triggered_at) == (NOW, LATER)
    assert state.next_call_at == LATER + TWO_MINUTES
    assert state.deliveries[0].attempted_at == LATER


def test_information_calls_once_and_waits_for_nobody() -> None:
    once = (escalation_step("duty", "dr-li", repeat_s=0, rounds=1),)
    state = given().when(triggered_by("e-1", once)).state
    assert state.deliveries == (sent("dr-li"),)
    assert state.next_call_at is None
    assert deadlines(state) == ()
    assert not state.escalation_exhausted


def test_an_alert_that_nobody_can_be_called_for_is_still_on_the_board() -> None:
    state = given().when(triggered_by("e-1", ())).state
    assert (state.state, state.escalation_round, state.deliveries) == (AlertState.TRIGGERED, 0, ())
    assert deadlines(state) == ()
    assert facets(state)["live"] is True


def test_the_same_event_again_changes_nothing() -> None:
    given(TRIGGERED).when(TRIGGER).then_nothing()
    given(TRIGGERED, ACKNOWLEDGED).when(TRIGGER).then_nothing()
    given(TRIGGERED, SETTLED).when(TRIGGER).then_nothing()


def test_another_event_starts_the_escalation_over_with_those_on_duty_now() -> None:
    now_on_duty = (escalation_step("duty", "dr-sun"),)
    command = replace(
        triggered_by("e-2", now_on_duty),
        title=BilingualText(zh="新", en="new"),
        act_by=LATER + TWO_MINUTES,
    )
    before = given(TRIGGERED).and_then(escalated(1, 1, "dr-zhao", at=NOW + TWO_MINUTES))
    state = before.when(command, at=LATER).then(
        happened.AlertRetriggered(
            cause_event_id="e-2",
            next_call_at=LATER + TWO_MINUTES,
            deliveries=(sent("dr-sun", at=LATER),),
            title=command.title,
            body=command.body,
            act_by=command.act_by,
            escalation=now_on_duty,
            calls=called("dr-sun", at=LATER, run=2, cause="e-2"),
        )
    )
    assert (state.escalation_step, state.escalation_round) == (0, 1)
    assert (state.title.en, state.body, state.act_by) == ("new", command.body, LATER + TWO_MINUTES)
    assert (state.escalation, state.cause_event_id) == (now_on_duty, "e-2")
    assert len(state.deliveries) == 4
    assert state.occurred_at == NOW, "nobody had answered: the response time runs from the first trigger"


def test_an_acknowledged_alert_that_happens_again_must_be_answered_again() -> None:
    state = given(TRIGGERED, ACKNOWLEDGED).when(triggered_by("e-2"), at=LATER).state
    assert state.state is AlertState.TRIGGERED
    assert (state.acknowledged_at, state.acknowledged_by, state.acknowledge_time) == (None, None, None)
    assert (state.occurred_at, state.triggered_at) == (LATER, LATER)
    assert deadlines(state)


def test_an_exhausted_alert_that_happens_again_calls_again() -> None:
    once = (escalation_step("duty", "dr-li", rounds=1),)
    first = given(replace(TRIGGERED, escalation=once, deliveries=(sent("dr-li"),)))
    exhausted = first.and_then(escalated(0, 1, at=NOW + TWO_MINUTES, exhausted=True))
    assert exhausted.state.escalation_exhausted
    state = exhausted.when(triggered_by("e-2"), at=LATER).state
    assert not state.escalation_exhausted
    assert deadlines(state)


def test_a_repetition_that_finds_nobody_on_duty_calls_nobody() -> None:
    state = given(TRIGGERED).when(triggered_by("e-2", ()), at=LATER).state
    assert (state.escalation, state.escalation_round, state.next_call_at) == ((), 0, None)
    assert deadlines(state) == ()


def test_a_resolved_alert_is_not_triggered_again() -> None:
    given(TRIGGERED, SETTLED).when(triggered_by("e-2")).then_refused("ALERT_RESOLVED")


def test_names_follow_from_the_key_and_from_what_was_before() -> None:
    assert alert_name(KEY, None) == alert_name(KEY, None)
    assert alert_name(KEY, None) != alert_name("another", None)
    live = given(TRIGGERED).state
    assert alert_name(KEY, live) == live.name
    assert alert_name(KEY, given(TRIGGERED, ACKNOWLEDGED).state) == live.name
    resolved = given(TRIGGERED, SETTLED).state
    second = alert_name(KEY, resolved)
    assert second not in (live.name, alert_name(KEY, None))
    third = alert_name(KEY, replace(resolved, name=second))
    assert len({live.name, second, third}) == 3
    assert second == alert_name(KEY, resolved)


def test_every_missing_field_is_named_at_once() -> None:
    empty = replace(
        TRIGGER,
        rule="",
        dedup_key="",
        facility="",
        subject="",
        cause_event_id="",
        escalation=(POLICY[0], escalation_step("backup"), escalation_step("lead", "dr-li", rounds=0)),
    )
    fields = ("rule", "dedup_key", "facility", "subject", "cause_event_id", "escalation[1]", "escalation[2]")
    given().when(empty).then_invalid(*fields)


def test_another_alert_s_key_is_refused() -> None:
    given(TRIGGERED).when(replace(triggered_by("e-2"), dedup_key="OFFER/another")).then_invalid("dedup_key")


def test_only_the_platform_triggers() -> None:
    given().when(TRIGGER, by=DUTY).then_not_permitted("SYSTEM_ONLY")
    given().when(TRIGGER, by=person(Role.OPERATOR)).then_not_permitted("SYSTEM_ONLY")


def test_facets_say_what_lists_filter_by() -> None:
    state = given(TRIGGERED).state
    assert facets(state) == {
        "parties": [HOSPITAL],
        "live": True,
        "state": "TRIGGERED",
        "severity": "CRITICAL",
        "rule": "OFFER",
        "dedup_key": KEY,
        "facility": HOSPITAL,
        "role": "STROKE",
        "subject": REFERRAL,
        "episode": state.episode,
    }
    assert facets(given(TRIGGERED, SETTLED).state)["live"] is False


def test_a_fold_begins_with_the_trigger_and_never_again() -> None:
    with pytest.raises(ValueError, match="begins with AlertAcknowledged"):
        given(ACKNOWLEDGED)
    with pytest.raises(ValueError, match="was triggered before"):
        given(TRIGGERED, ACKNOWLEDGED, TRIGGERED)


def test_the_state_is_the_fold_and_keeps_what_was_tried() -> None:
    state: Alert = given(TRIGGERED).state
    tried = Delivery(
        recipient="dr-li",
        channel="sms",
        outcome=DeliveryOutcome.DELIVERED,
        attempted_at=NOW,
        step=0,
        round=1,
    )
    later = given(TRIGGERED).and_then(happened.DeliveryRecorded(delivery=tried)).state
    assert later.deliveries == (*state.deliveries, tried)
