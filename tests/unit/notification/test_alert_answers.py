"""AcknowledgeAlert, ResolveAlert, SettleAlert, RecordDelivery: who may, when, and what it leaves."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.notification.domain import events as happened
from services.notification.domain.alert import allowed_commands, response_time
from services.notification.domain.commands import (
    AcknowledgeAlert,
    RecordDelivery,
    ResolveAlert,
    SettleAlert,
)
from services.notification.domain.values import (
    AlertState,
    CodedReason,
    Delivery,
    DeliveryOutcome,
)
from services.shared.kernel.actor import Actor, Role
from tests.unit.notification.scenario import (
    ACKNOWLEDGED,
    BRANCH,
    COORDINATOR,
    DUTY,
    HOSPITAL,
    NOW,
    PREFECTURE,
    SETTLED,
    TRIGGERED,
    TWO_MINUTES,
    Given,
    given,
    person,
    sent,
    triggered_by,
)

ACKNOWLEDGE = AcknowledgeAlert()
REASON = CodedReason(code="HANDLED_BY_TELEPHONE", text="已电话沟通")
RESOLVE = ResolveAlert(reason=REASON)
SETTLE = SettleAlert(resolution="ReferralAccepted", cause_event_id="e-9")
LATER = NOW + timedelta(seconds=75)

MAY = [
    person(Role.CLINICIAN, user="anybody"),
    person(Role.BED_DESK, user="anybody"),
    person(Role.REFERRAL_OFFICE, user="anybody"),
    person(Role.COORDINATOR, user="anybody"),
    COORDINATOR,
    person(Role.OPERATOR, user="anybody", facility=""),
    # Called by the policy, so able to answer from wherever.
    person(Role.AMBULANCE, user="dr-li", facility=BRANCH),
]


@pytest.mark.parametrize("actor", MAY, ids=str)
@pytest.mark.parametrize("command", [ACKNOWLEDGE, RESOLVE], ids=["acknowledge", "resolve"])
def test_who_may_act(actor: Actor, command: AcknowledgeAlert | ResolveAlert) -> None:
    assert given(TRIGGERED).when(command, by=actor).events


@pytest.mark.parametrize("command", [ACKNOWLEDGE, RESOLVE], ids=["acknowledge", "resolve"])
def test_who_may_not(command: AcknowledgeAlert | ResolveAlert) -> None:
    alert = given(TRIGGERED)
    ambulance = person(Role.AMBULANCE, user="crew")
    alert.when(command, by=ambulance).then_not_permitted("ROLE_MAY_NOT_ACT_ON_ALERT")
    elsewhere = person(Role.CLINICIAN, user="dr-x", facility=PREFECTURE)
    alert.when(command, by=elsewhere).then_not_found()
    # On the policy, but not called yet.
    alert.when(command, by=person(Role.CLINICIAN, user="dr-zhao", facility=BRANCH)).then_not_found()
    given().when(command, by=DUTY).then_not_found()


def test_no_facility_is_no_party_to_an_alert_of_the_platform() -> None:
    nobody = Actor(user="x", name="x", facility="", roles=(Role.CLINICIAN,))
    given(TRIGGERED).when(ACKNOWLEDGE, by=nobody).then_not_found()


def test_an_acknowledgement_says_who_when_and_how_fast() -> None:
    state = given(TRIGGERED).when(ACKNOWLEDGE, by=DUTY, at=LATER, recorded_at=LATER).then(ACKNOWLEDGED)
    assert state.state is AlertState.ACKNOWLEDGED
    assert (state.acknowledged_by, state.acknowledged_at, state.acknowledge_time) == (DUTY, LATER, LATER)
    assert response_time(state) == timedelta(seconds=75)
    assert response_time(given(TRIGGERED).state) is None
    assert state.resolved_at is None, "it stays on the board until it is settled"


def test_the_response_time_is_clinical_not_that_of_entry() -> None:
    entered = NOW + timedelta(minutes=30)
    state = given(TRIGGERED).when(ACKNOWLEDGE, by=DUTY, at=LATER, recorded_at=entered).state
    assert response_time(state) == timedelta(seconds=75)
    assert state.acknowledged_at == entered


def test_nobody_answers_before_there_was_something_to_answer() -> None:
    before = NOW - timedelta(seconds=1)
    given(TRIGGERED).when(ACKNOWLEDGE, by=DUTY, at=before, recorded_at=LATER).then_invalid("occurred_at")
    given(TRIGGERED).when(RESOLVE, by=DUTY, at=before, recorded_at=LATER).then_invalid("occurred_at")
    given(TRIGGERED).when(ACKNOWLEDGE, by=DUTY, at=NOW, recorded_at=LATER).then(ACKNOWLEDGED)


def test_another_facility_s_fast_clock_keeps_nobody_from_answering() -> None:
    before = NOW - timedelta(seconds=40)
    state = given(TRIGGERED).when(ACKNOWLEDGE, by=DUTY, at=before).then(ACKNOWLEDGED)
    assert response_time(state) == timedelta(0)


def test_the_acknowledger_s_latest_call_led_to_the_act() -> None:
    second = happened.AlertEscalated(
        escalation_step=0,
        escalation_round=2,
        next_call_at=NOW + 2 * TWO_MINUTES,
        deliveries=(sent("dr-li", 0, 2, NOW + TWO_MINUTES), sent("dr-wang", 0, 2, NOW + TWO_MINUTES)),
    )
    state = given(TRIGGERED, second).when(ACKNOWLEDGE, by=DUTY, at=NOW + TWO_MINUTES).state
    outcomes = [(item.recipient, item.round, item.outcome.value) for item in state.deliveries]
    assert outcomes == [
        ("dr-li", 1, "SENT"),
        ("dr-wang", 1, "SENT"),
        ("dr-li", 2, "ACTED"),
        ("dr-wang", 2, "SENT"),
    ]
    others = given(TRIGGERED).when(ACKNOWLEDGE, by=COORDINATOR).state
    assert [item.outcome for item in others.deliveries] == [DeliveryOutcome.SENT] * 2


def test_what_is_answered_is_not_answered_again() -> None:
    given(TRIGGERED, ACKNOWLEDGED).when(ACKNOWLEDGE, by=DUTY).then_refused(
        "ALERT_ACKNOWLEDGED", "ResolveAlert"
    )
    given(TRIGGERED, SETTLED).when(ACKNOWLEDGE, by=DUTY).then_refused("ALERT_RESOLVED")
    given(TRIGGERED, SETTLED).when(RESOLVE, by=DUTY).then_refused("ALERT_RESOLVED")


@pytest.mark.parametrize("events", [(TRIGGERED,), (TRIGGERED, ACKNOWLEDGED)], ids=len)
def test_a_person_resolves_with_a_coded_reason(events: tuple[happened.AlertTriggered, ...]) -> None:
    event = happened.AlertResolved(resolution="HANDLED_BY_TELEPHONE", reason=REASON)
    state = given(*events).when(RESOLVE, by=DUTY, at=LATER).then(event)
    assert (state.state, state.resolved_at) == (AlertState.RESOLVED, LATER)
    assert (state.resolution, state.resolution_reason) == ("HANDLED_BY_TELEPHONE", REASON)
    assert allowed_commands(state) == ()


@pytest.mark.parametrize("events", [(TRIGGERED,), (TRIGGERED, ACKNOWLEDGED)], ids=len)
def test_an_event_settles(events: tuple[happened.AlertTriggered, ...]) -> None:
    state = given(*events).when(SETTLE, at=LATER).then(SETTLED)
    assert (state.state, state.resolution, state.resolution_reason) == (
        AlertState.RESOLVED,
        "ReferralAccepted",
        None,
    )
    assert state.next_call_at is None


def test_settling_twice_or_by_the_cause_itself_changes_nothing() -> None:
    given(TRIGGERED, SETTLED).when(SETTLE).then_nothing()
    given(TRIGGERED).when(replace(SETTLE, cause_event_id="e-1")).then_nothing()
    again = given(TRIGGERED).when(triggered_by("e-2")).state
    assert Given(again).when(replace(SETTLE, cause_event_id="e-1")).events


def test_only_the_platform_settles_what_exists() -> None:
    given(TRIGGERED).when(SETTLE, by=DUTY).then_not_permitted("SYSTEM_ONLY")
    given().when(SETTLE).then_not_found()


def attempt(outcome: DeliveryOutcome, **changes: object) -> RecordDelivery:
    delivery = Delivery(
        recipient="dr-li",
        channel="sms",
        outcome=outcome,
        attempted_at=NOW,
        step=0,
        round=1,
    )
    return RecordDelivery(delivery=replace(delivery, **changes))  # type: ignore[arg-type]


def test_attempts_of_other_channels_are_kept_beside_the_stream_s() -> None:
    command = attempt(DeliveryOutcome.SENT)
    state = given(TRIGGERED).when(command).then(happened.DeliveryRecorded(delivery=command.delivery))
    assert state.deliveries == (sent("dr-li"), sent("dr-wang"), command.delivery)


def test_an_attempt_only_comes_further() -> None:
    seen = given(TRIGGERED, happened.DeliveryRecorded(delivery=attempt(DeliveryOutcome.SEEN).delivery))
    for late in (
        DeliveryOutcome.SENT,
        DeliveryOutcome.FAILED,
        DeliveryOutcome.DELIVERED,
        DeliveryOutcome.SEEN,
    ):
        seen.when(attempt(late)).then_nothing()
    state = seen.when(attempt(DeliveryOutcome.ACTED)).state
    assert [item.outcome.value for item in state.deliveries] == ["SENT", "SENT", "ACTED"]


def test_what_comes_after_what() -> None:
    """A failed attempt may yet arrive, and one that arrived has not failed."""
    order = ("SENT", "FAILED", "DELIVERED", "SEEN", "ACTED")
    for known in order:
        before = given(
            TRIGGERED, happened.DeliveryRecorded(delivery=attempt(DeliveryOutcome(known)).delivery)
        )
        further = [outcome for outcome in order if before.when(attempt(DeliveryOutcome(outcome))).events]
        assert further == list(order[order.index(known) + 1 :])


def test_another_call_is_another_attempt() -> None:
    seen = given(TRIGGERED, happened.DeliveryRecorded(delivery=attempt(DeliveryOutcome.SEEN).delivery))
    second = attempt(DeliveryOutcome.SENT, attempted_at=NOW + TWO_MINUTES, round=2)
    assert len(seen.when(second).state.deliveries) == 4


def test_a_receipt_after_the_end_is_kept() -> None:
    assert given(TRIGGERED, SETTLED).when(attempt(DeliveryOutcome.SEEN)).events


def test_an_attempt_at_nobody_is_refused() -> None:
    wrong = attempt(DeliveryOutcome.SENT, recipient="", channel="", round=0)
    given(TRIGGERED).when(wrong).then_invalid("delivery.recipient", "delivery.channel", "delivery.round")
    given(TRIGGERED).when(attempt(DeliveryOutcome.SENT), by=DUTY).then_not_permitted("SYSTEM_ONLY")


def test_commands_follow_from_the_state() -> None:
    assert allowed_commands(given(TRIGGERED).state) == ("AcknowledgeAlert", "ResolveAlert")
    assert allowed_commands(given(TRIGGERED, ACKNOWLEDGED).state) == ("ResolveAlert",)
    assert given(TRIGGERED).state.facility == HOSPITAL
