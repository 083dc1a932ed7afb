"""Where several people must acknowledge: who still is called, who is missing, and when it stops."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from services.notification.domain import events as happened
from services.notification.domain.alert import deadlines, parties
from services.notification.domain.commands import AcknowledgeAlert, MeetDeadline
from services.notification.domain.values import (
    AcknowledgementPolicy,
    AlertState,
    EscalationStep,
    Recipient,
)
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.refusals import NotAllowed
from tests.unit.notification.scenario import (
    BRANCH,
    HOSPITAL,
    NOW,
    TRIGGER,
    Given,
    Outcome,
    given,
    person,
    triggered_by,
)

ACKNOWLEDGE, ESCALATE = AcknowledgeAlert(), MeetDeadline(key="escalate")
DOCTOR = person(Role.CLINICIAN, user="dr-duty")
DESK = person(Role.BED_DESK, user="desk")
LEAD = person(Role.CLINICIAN, user="lead", facility=BRANCH)


def step(duty: str, *people: tuple[str, str], rounds: int = 1, facility: str = HOSPITAL) -> EscalationStep:
    return EscalationStep(
        duty=duty,
        facility=facility,
        recipients=tuple(
            Recipient(user=user, name=user, roles=tuple(roles.split()), facility=facility)
            for user, roles in people
        ),
        repeat_s=120,
        rounds=rounds,
    )


TWO_ROLES = (
    step("duty", ("dr-duty", "STROKE"), ("desk", "bed_desk"), rounds=2),
    step("backup", ("dr-backup", "STROKE")),
    step("lead", ("lead", "STROKE bed_desk"), facility=BRANCH),
)
BOTH = AcknowledgementPolicy(count=0, roles=("STROKE", "bed_desk"))
ANY_TWO = AcknowledgementPolicy(count=2)


def alert_of(policy: AcknowledgementPolicy | None = BOTH) -> Given:
    trigger = replace(triggered_by("e-1", TWO_ROLES), acknowledgement_policy=policy)
    return Given(given().when(trigger).state)


def minutes(number: int) -> datetime:
    return NOW + timedelta(minutes=number)


def called(outcome: Outcome) -> list[str]:
    (event,) = outcome.events
    assert isinstance(event, happened.AlertEscalated)
    assert [call.recipient for call in event.calls] == [each.recipient for each in event.deliveries]
    return [call.recipient for call in event.calls]


def test_a_new_alert_says_who_is_missing() -> None:
    assert (alert_of().state.missing_roles, alert_of().state.missing_count) == (("STROKE", "bed_desk"), 0)
    assert (alert_of(ANY_TWO).state.missing_roles, alert_of(ANY_TWO).state.missing_count) == ((), 2)
    assert alert_of(None).state.missing_count == 1


def test_the_first_of_two_roles_leaves_the_other_missing_and_called() -> None:
    state = (
        alert_of()
        .when(ACKNOWLEDGE, by=DOCTOR)
        .then(happened.AcknowledgementGiven(roles=("STROKE",), missing_roles=("bed_desk",), missing_count=0))
    )
    assert state.state is AlertState.TRIGGERED
    assert [given.actor for given in state.acknowledgements] == [DOCTOR]
    assert state.missing_roles == ("bed_desk",)
    assert deadlines(state) == deadlines(alert_of().state), "the next call comes when it was to come"
    assert called(Given(state).when(ESCALATE, at=minutes(2))) == ["desk"]


def test_the_last_of_them_stops_it() -> None:
    first = alert_of().when(ACKNOWLEDGE, by=DOCTOR).state
    state = Given(first).when(ACKNOWLEDGE, by=DESK).then(happened.AlertAcknowledged(roles=("bed_desk",)))
    assert state.state is AlertState.ACKNOWLEDGED
    assert state.acknowledged_by == DESK
    assert [(each.actor.user, each.roles) for each in state.acknowledgements] == [
        ("dr-duty", ("STROKE",)),
        ("desk", ("bed_desk",)),
    ]
    assert (state.missing_roles, state.missing_count, deadlines(state)) == ((), 0, ())


def test_a_step_of_those_who_have_acknowledged_is_passed_over_at_once() -> None:
    """The backup is a doctor's: where only the bed desk is missing, the lead comes after the duty."""
    state = alert_of().when(ACKNOWLEDGE, by=DOCTOR).state
    second = Given(state).when(ESCALATE, at=minutes(2)).state
    assert called(Given(second).when(ESCALATE, at=minutes(4))) == ["lead"]


def test_who_is_called_for_two_roles_answers_for_both() -> None:
    state = alert_of().state
    for number in (1, 2, 3):
        state = Given(state).when(ESCALATE, at=minutes(2 * number)).state
    assert Given(state).when(ACKNOWLEDGE, by=LEAD).state.state is AlertState.ACKNOWLEDGED
    assert parties(state) == (HOSPITAL, BRANCH)


@pytest.mark.parametrize(
    ("actor", "role"),
    [
        (person(Role.CLINICIAN, user="another"), ("STROKE",)),
        (person(Role.BED_DESK, user="another"), ("bed_desk",)),
    ],
    ids=["clinician", "bed desk"],
)
def test_a_colleague_of_the_facility_answers_for_their_role(actor: Actor, role: tuple[str, ...]) -> None:
    assert alert_of().when(ACKNOWLEDGE, by=actor).state.acknowledgements[0].roles == role


def refused(outcome: Outcome, code: str) -> str:
    assert isinstance(outcome.refusal, NotAllowed), outcome.events
    (rule,) = outcome.refusal.failed_rules
    assert rule.code == code
    assert "AcknowledgeAlert" in outcome.refusal.allowed_commands, "others still may"
    return rule.text.zh


def test_nobody_answers_twice_and_the_refusal_says_who_is_missing() -> None:
    first = Given(alert_of().when(ACKNOWLEDGE, by=DOCTOR).state)
    assert "床位管理" in refused(first.when(ACKNOWLEDGE, by=DOCTOR), "ACKNOWLEDGED_BY_YOU")
    one = Given(alert_of(ANY_TWO).when(ACKNOWLEDGE, by=DOCTOR).state)
    assert "1 人" in refused(one.when(ACKNOWLEDGE, by=DOCTOR), "ACKNOWLEDGED_BY_YOU")


def test_who_is_of_none_of_the_roles_cannot_stop_it() -> None:
    office = person(Role.REFERRAL_OFFICE, user="office")
    refused(alert_of().when(ACKNOWLEDGE, by=office), "ROLE_NOT_AWAITED")
    elsewhere = person(Role.COORDINATOR, Role.BED_DESK, user="co", facility=BRANCH)
    refused(alert_of().when(ACKNOWLEDGE, by=elsewhere), "ROLE_NOT_AWAITED")


def test_two_different_people_whoever_they_are() -> None:
    first = alert_of(ANY_TWO).when(ACKNOWLEDGE, by=DOCTOR)
    first.then(happened.AcknowledgementGiven(roles=(), missing_roles=(), missing_count=1))
    assert called(Given(first.state).when(ESCALATE, at=minutes(2))) == ["desk"]
    office = person(Role.REFERRAL_OFFICE, user="office")
    assert Given(first.state).when(ACKNOWLEDGE, by=office).state.state is AlertState.ACKNOWLEDGED


def test_a_trigger_again_asks_everybody_again() -> None:
    first = alert_of().when(ACKNOWLEDGE, by=DOCTOR).state
    again = replace(triggered_by("e-2", TWO_ROLES), acknowledgement_policy=BOTH)
    state = Given(first).when(again, at=minutes(1)).state
    assert (state.acknowledgements, state.missing_roles) == ((), ("STROKE", "bed_desk"))
    assert called(Given(state).when(ESCALATE, at=minutes(3))) == ["dr-duty", "desk"]


def test_nobody_is_left_to_call_when_all_who_could_be_have_acknowledged() -> None:
    policy = AcknowledgementPolicy(count=3)
    trigger = replace(
        TRIGGER, escalation=(step("duty", ("dr-duty", "STROKE"), rounds=5),), acknowledgement_policy=policy
    )
    first = given().when(trigger).state
    state = Given(first).when(ACKNOWLEDGE, by=DOCTOR).state
    last = Given(state).when(ESCALATE, at=minutes(2)).state
    assert last.escalation_exhausted and last.missing_count == 2


@pytest.mark.parametrize(
    "policy",
    [AcknowledgementPolicy(count=0), AcknowledgementPolicy(count=1, roles=("STROKE",))],
    ids=["nobody", "both"],
)
def test_a_policy_says_how_many_or_which_roles(policy: AcknowledgementPolicy) -> None:
    given().when(replace(TRIGGER, acknowledgement_policy=policy)).then_invalid("acknowledgement_policy")
